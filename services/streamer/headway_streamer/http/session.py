"""The routes of a session: who the caller is, sign-in with a token, sign-out."""

from __future__ import annotations

import math

from litestar import Response, delete, get, post
from litestar.di import NamedDependency

from headway.errors import UnavailableError
from headway_streamer import audit
from headway_streamer.access.access import Access
from headway_streamer.access.authenticators import Caller
from headway_streamer.access.credentials import COOKIE, Credentials
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.principal import Principal
from headway_streamer.access.revocations import of_token
from headway_streamer.api.models import Session, SignIn
from headway_streamer.http import cookies
from headway_streamer.http.authentication import principal_of, unauthenticated
from headway_streamer.http.requests import AnyRequest, read_body, require_json
from headway_streamer.http.responses import json_response
from headway_streamer.problems import Problem, not_found


@get("/api/v1/session", tags=["session"], summary="Get whom the streamer takes the caller for")
async def get_session(request: AnyRequest, access: NamedDependency[Access]) -> Response[bytes]:
    return json_response(_session(access, principal_of(request.scope)))


@post("/session", tags=["session"], status_code=200, guards=[require_json], summary="Sign in with a token")
async def sign_in(request: AnyRequest, access: NamedDependency[Access]) -> Response[bytes]:
    if access.settings.access != "jwt":
        raise not_found("Nobody signs in here.")
    token = (await read_body(request, SignIn)).token.strip()
    try:
        principal = verify(access, token)
    except UnauthenticatedError as error:
        audit.note(request.scope, "sign_in_failed", reason=error.reason)
        raise unauthenticated() from error
    if len(token) > cookies.MAX_CHARS:
        raise Problem(422, "Token too large", f"Browsers keep at most {cookies.MAX_CHARS} characters in a cookie.")
    audit.note(request.scope, "signed_in", who=principal, by="token")
    response = json_response(_session(access, principal))
    response.set_cookie(cookies.session(token, principal.expires))
    return response


@delete("/session", tags=["session"], status_code=204, summary="Sign out")
async def sign_out(request: AnyRequest, access: NamedDependency[Access]) -> Response[None]:
    await _revoke(request, access)
    response = Response(None, status_code=204, headers={"Cache-Control": "no-store"})
    response.set_cookie(cookies.no_session())
    return response


async def _revoke(request: AnyRequest, access: Access) -> None:
    """Revoke the token of the cookie. While NATS is unreachable it is only forgotten, and valid until it expires."""
    token = request.cookies.get(COOKIE, "")
    if access.open or not token:
        return
    try:
        holder = verify(access, token)
    except UnauthenticatedError:
        return  # it has ended before
    try:
        await access.revocations.add(of_token(holder))
        audit.note(request.scope, "signed_out", who=holder, revoked=True)
    except UnavailableError:
        audit.note(request.scope, "signed_out", who=holder, revoked=False)


def verify(access: Access, token: str) -> Principal:
    """The principal of an access token. Raises UnauthenticatedError."""
    return access.principal(Caller(Credentials(bearer=token), (), ""))


def _session(access: Access, principal: Principal) -> Session:
    return Session(
        mode=access.settings.access,
        owner=principal.owner,
        tenant=principal.tenant,
        scopes=sorted(principal.scopes),
        expires=None if math.isinf(principal.expires) else principal.expires,
    )
