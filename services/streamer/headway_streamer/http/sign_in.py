"""The routes of a sign-in at the identity provider. A browser visits them; it ends on the page, whatever happens."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from headway_streamer import audit
from headway_streamer.access.access import Access
from headway_streamer.access.code_flow import Attempt, CodeFlow, SignInError
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.settings import CALLBACK
from headway_streamer.http import cookies
from headway_streamer.http.head import HEAD
from headway_streamer.http.requests import AnyRequest
from headway_streamer.http.session import verify
from headway_streamer.problems import not_found

CAUSE = "sign-in"
"""Query parameter of the page: why a sign-in has failed."""


@get("/session/login", tags=["session"], status_code=303, summary="Sign in at the identity provider")
async def begin(request: AnyRequest, access: NamedDependency[Access]) -> Response[None]:
    flow = _flow(access)
    attempt = Attempt.new()
    try:
        return _redirect(await flow.begin(attempt), cookies.attempt(attempt))
    except SignInError as error:
        return _failed(request, access, error)


@get("/session/callback", tags=["session"], status_code=303, summary="Return from the identity provider")
async def finish(request: AnyRequest, access: NamedDependency[Access]) -> Response[None]:
    flow = _flow(access)
    if HEAD in request.scope:  # a code works once
        return _redirect(_page(access))
    try:
        return _redirect(_page(access), await _session(request, access, flow), cookies.no_attempt())
    except SignInError as error:
        return _failed(request, access, error)


async def _session(request: AnyRequest, access: Access, flow: CodeFlow) -> Cookie:
    """The cookie of a session. Raises SignInError."""
    query = dict(parse_qsl(request.scope["query_string"].decode("latin-1")))
    token = await flow.finish(cookies.attempt_of(request), query)
    try:
        principal = verify(access, token)
    except UnauthenticatedError as error:
        raise SignInError("unusable", f"the provider's access token is not accepted: {error.reason}") from error
    if len(token) > cookies.MAX_CHARS:
        raise SignInError("large", "the provider's access token is too long for a cookie")
    audit.note(request.scope, "signed_in", who=principal, by="provider")
    return cookies.session(token, principal.expires)


def _flow(access: Access) -> CodeFlow:
    if access.code_flow is None:
        raise not_found("Nobody signs in at a provider here.")
    return access.code_flow


def _page(access: Access, **query: str) -> str:
    """The address of the page, which no request can change."""
    page = access.settings.oidc_redirect_uri.removesuffix(CALLBACK) + "/"
    return f"{page}?{urlencode(query)}" if query else page


def _failed(request: AnyRequest, access: Access, error: SignInError) -> Response[None]:
    audit.note(request.scope, "sign_in_failed", reason=error.reason)
    return _redirect(_page(access, **{CAUSE: error.cause}), cookies.no_attempt())


def _redirect(url: str, *given: Cookie) -> Response[None]:
    response = Response(None, status_code=303, headers={"Location": url, "Cache-Control": "no-store"})
    for cookie in given:
        response.set_cookie(cookie)
    return response
