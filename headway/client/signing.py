"""Sign tokens for the users of an application, with the secret that the streamer verifies them with."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from headway.ids import nonce

SCOPES = ("tasks:submit", "tasks:read", "tasks:cancel", "tasks:delete", "tasks:report")


def sign_token(
    secret: str,
    owner: str,
    *,
    scopes: Collection[str] = SCOPES,
    seconds: float = 60.0,
    issuer: str = "headway",
    audience: str = "headway",
    owner_claim: str = "sub",
    scopes_claim: str = "scope",
    **claims: Any,
) -> str:
    """A JSON Web Token of `owner` that is valid for this long, signed with `HEADWAY_STREAMER_JWT_SECRET`.

    The other arguments are for a streamer whose settings `JWT_ISSUER`, `JWT_AUDIENCE`, `CLAIM_OWNER` and
    `CLAIM_SCOPES` differ from the defaults. Needs joserfc, of `headway[cli]`.
    """
    from joserfc import jwt
    from joserfc.jwk import OctKey

    now = int(time.time())
    said = {"iss": issuer, "aud": audience, "iat": now, "exp": now + int(seconds), "jti": nonce()}
    said |= {owner_claim: owner, scopes_claim: " ".join(scopes)} | claims
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, said, OctKey.import_key(secret))
