"""The route that revokes tokens."""

from __future__ import annotations

import time

from litestar import Response, post
from litestar.di import NamedDependency

from headway_streamer import audit
from headway_streamer.access.access import Access
from headway_streamer.access.claims import MAX_NAME_CHARS
from headway_streamer.access.errors import ForbiddenError, UnauthenticatedError
from headway_streamer.access.principal import REVOKE, Principal
from headway_streamer.access.revocations import Revocation, of_token
from headway_streamer.access.verifier import LEEWAY_SECONDS
from headway_streamer.api.models import RevocationRequest, Revoked
from headway_streamer.http.authentication import principal_of
from headway_streamer.http.requests import AnyRequest, read_body, require_json
from headway_streamer.http.responses import json_response
from headway_streamer.problems import Problem


@post(
    "/api/v1/revocations",
    tags=["tokens"],
    status_code=200,
    guards=[require_json],
    summary="Revoke a token, or all tokens of an owner, before they expire",
)
async def revoke(request: AnyRequest, access: NamedDependency[Access]) -> Response[bytes]:
    wanted = await read_body(request, RevocationRequest) if await request.body() else RevocationRequest()
    if access.open:
        raise Problem(409, "Access control is off", "There are no tokens: everybody may do everything.")
    revocation, owner = _revocation(access, principal_of(request.scope), _checked(wanted))
    await access.revocations.add(revocation)
    audit.note(request.scope, "token_revoked" if revocation.token else "owner_revoked", of=owner)
    return json_response(Revoked(revocation.until))


def _checked(wanted: RevocationRequest) -> RevocationRequest:
    if sum(map(bool, (wanted.token, wanted.id, wanted.owner))) > 1:
        raise Problem(422, "Body does not fit", "Name one of `token`, `id` and `owner`.")
    if max(len(wanted.id), len(wanted.owner)) > MAX_NAME_CHARS:
        raise Problem(422, "Body does not fit", f"`id` and `owner` have at most {MAX_NAME_CHARS} characters.")
    if wanted.id.count(".") == 2 and wanted.id.startswith("eyJ"):
        raise Problem(422, "Body does not fit", "`id` is the `jti` of a token. This is a token: send it as `token`.")
    if wanted.before is not None and not (wanted.owner and 0 <= wanted.before <= time.time() + LEEWAY_SECONDS):
        raise Problem(422, "Body does not fit", "`before` is for an `owner`, in seconds since 1970, and not to come.")
    return wanted


def _revocation(access: Access, principal: Principal, wanted: RevocationRequest) -> tuple[Revocation, str]:
    """What `wanted` asks for, and whose tokens that are, if it is known.

    Raises ForbiddenError, and a Problem if there is no such token.
    """
    if not (wanted.owner or wanted.id):
        holder = _holder(access, principal, wanted.token) if wanted.token else principal
        return _of_token(holder), holder.owner
    if wanted.owner != principal.owner and not principal.may(REVOKE):
        raise ForbiddenError(REVOKE)
    now, longest = time.time(), access.max_token_seconds
    if wanted.id:
        return Revocation(tenant=principal.tenant, token=wanted.id, until=now + longest), ""
    before = now if wanted.before is None else wanted.before
    until = before + longest
    return Revocation(tenant=principal.tenant, owner=wanted.owner, before=before, until=until), wanted.owner


def _of_token(holder: Principal) -> Revocation:
    if not holder.tokens:
        raise Problem(409, "No token", "A gateway authenticates you: sign out there. `owner` ends streams and tokens.")
    return of_token(holder)


def _holder(access: Access, principal: Principal, token: str) -> Principal:
    """Whose token it is. Raises a Problem, the same for one that is invalid and one that the caller may not revoke."""
    try:
        holder = access.holder(token)
    except UnauthenticatedError:
        holder = None
    own = holder is not None and (holder.tenant, holder.owner) == (principal.tenant, principal.owner)
    if holder is None or not (own or (holder.tenant == principal.tenant and principal.may(REVOKE))):
        raise Problem(422, "Not a token of yours", "It is not valid here, expired or revoked, or another owner's.")
    return holder
