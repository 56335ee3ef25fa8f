"""Access control of a streamer, made from its settings."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from headway_streamer.access.algorithms import EVERY_ALGORITHM
from headway_streamer.access.authenticators import (
    Authenticator,
    Caller,
    ForwardedIdentity,
    ForwardNames,
    NoAuthentication,
    TokenAuthentication,
)
from headway_streamer.access.claims import ClaimNames
from headway_streamer.access.code_flow import Client, CodeFlow, Post
from headway_streamer.access.credentials import Credentials
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.fetch import fetch_json, post_form
from headway_streamer.access.jwks import Fetch, IssuerKeys
from headway_streamer.access.keys import KeySource, StaticKeys, read_keys, secret_key
from headway_streamer.access.principal import Principal
from headway_streamer.access.provider import DISCOVERY_PATH, Provider
from headway_streamer.access.revocations import Revocations, RevocationStore
from headway_streamer.access.settings import AccessSettings
from headway_streamer.access.signing_keys import KeyStore, SigningKeys
from headway_streamer.access.start_token import Start, StartTokens
from headway_streamer.access.stream_token import StreamTokens
from headway_streamer.access.verifier import Requirements, Verifier

MAX_TOKEN_SECONDS = 30 * 24 * 3600.0


class Stores(NamedTuple):
    """The buckets of access control, which streamers share."""

    token_keys: KeyStore
    revocations: RevocationStore


class Access:
    """What decides who a request is from.

    Args:
        settings: of access control.
        stores: what streamers share.
        fetch: reads JSON documents of an issuer.
        post: sends the codes of sign-ins to the issuer.
        max_token_seconds: longest life of an access token.

    Raises SettingsError for keys that cannot be read or are too weak.
    """

    def __init__(
        self,
        settings: AccessSettings,
        stores: Stores,
        fetch: Fetch = fetch_json,
        post: Post = post_form,
        *,
        max_token_seconds: float = MAX_TOKEN_SECONDS,
    ) -> None:
        self.settings = settings
        self.max_token_seconds = max_token_seconds
        self.issuer_keys = _issuer_keys(settings, fetch)
        self.signing_keys = SigningKeys(stores.token_keys)
        self.revocations = Revocations(stores.revocations)
        self.stream_tokens = StreamTokens(self.signing_keys)
        self.start_tokens = StartTokens(self.signing_keys)
        self.authenticator = self._authenticator()
        self.code_flow = self._code_flow(fetch, post)
        """How people sign in at the issuer; None if they do not."""

    @property
    def open(self) -> bool:
        """Whether everybody may do everything."""
        return self.settings.access == "none"

    @property
    def ready(self) -> bool:
        """Whether tokens can be judged: what was revoked is known, and the keys of stream tokens are."""
        return self.open or (self.revocations.known and self.signing_keys.known)

    def principal(self, caller: Caller) -> Principal:
        """The principal of a request. Raises UnauthenticatedError, also for a token that was revoked."""
        return self._unrevoked(self.authenticator.principal(caller))

    def stream_principal(self, token: str) -> Principal:
        """The principal of a stream token. Raises UnauthenticatedError, also if it was revoked."""
        return self._unrevoked(self.stream_tokens.principal(token))

    def start(self, token: str) -> Start:
        """What a start token allows. Raises UnauthenticatedError, also if it was revoked."""
        start = self.start_tokens.read(token)
        self._unrevoked(start.principal)
        return start

    def holder(self, token: str) -> Principal:
        """The principal of a token of any type. Raises UnauthenticatedError."""
        with suppress(UnauthenticatedError):
            return self.principal(Caller(Credentials(bearer=token), (), ""))
        with suppress(UnauthenticatedError):
            return self.stream_principal(token)
        return self.start(token).principal

    def stream_token(self, principal: Principal, tasks: Iterable[str]) -> str:
        """A token for streams of `tasks`. Empty where none is needed."""
        return "" if self.open else self.stream_tokens.mint(principal, tasks)

    def start_token(self, principal: Principal, kind: str) -> str:
        """A token that starts one task of `kind`. Empty where none is needed."""
        return "" if self.open else self.start_tokens.mint(principal, kind)

    def read_soon(self) -> None:
        """Read what streamers share again: after a reconnection."""
        self.signing_keys.read_soon()
        self.revocations.read_soon()

    def roots(self) -> dict[str, Coroutine[Any, Any, None]]:
        """The root tasks, by name; none while everybody may do everything."""
        if self.open:
            return {}
        keys = {"issuer_keys": self.issuer_keys.keep_fresh()} if self.issuer_keys is not None else {}
        return keys | {"token_keys": self.signing_keys.keep_fresh(), "revocations": self.revocations.keep_read()}

    def _unrevoked(self, principal: Principal) -> Principal:
        if self.revocations.cover(principal):
            raise UnauthenticatedError("the token was revoked")
        return principal

    def _authenticator(self) -> Authenticator:
        settings = self.settings
        if settings.access == "none":
            return NoAuthentication()
        if settings.access == "forward":
            names = (settings.forward_owner_header, settings.forward_tenant_header, settings.forward_scopes_header)
            return ForwardedIdentity(
                settings.peers(), ForwardNames(*(name.lower().encode() for name in names)), settings.default_scopes
            )
        requirements = self._requirements(settings.jwt_audience)
        claims = ClaimNames(owner=settings.claim_owner, tenant=settings.claim_tenant, scopes=settings.claim_scopes)
        return TokenAuthentication(Verifier(self._keys(), requirements), claims, settings.default_scopes)

    def _code_flow(self, fetch: Fetch, post: Post) -> CodeFlow | None:
        settings = self.settings
        if not settings.oidc_client_id:
            return None
        client = Client(
            settings.oidc_client_id, settings.oidc_redirect_uri, settings.oidc_client_secret, settings.oidc_scopes
        )
        verifier = Verifier(self._keys(), self._requirements(settings.oidc_client_id))
        return CodeFlow(client, Provider(settings.jwt_issuer, fetch), verifier, post)

    def _requirements(self, audience: str) -> Requirements:
        algorithms = self.settings.jwt_algorithms or EVERY_ALGORITHM
        return Requirements(
            issuer=self.settings.jwt_issuer,
            audience=audience,
            algorithms=algorithms,
            max_seconds=self.max_token_seconds,
        )

    def _keys(self) -> KeySource:
        return self.issuer_keys if self.issuer_keys is not None else static_keys(self.settings)


def static_keys(settings: AccessSettings) -> StaticKeys:
    """The keys that the settings hold or name in a file. Raises SettingsError if they cannot be read or are weak."""
    keys = read_keys(Path(settings.jwt_keys_file)) if settings.jwt_keys_file else []
    return StaticKeys([*keys, *([secret_key(settings.jwt_secret)] if settings.jwt_secret else [])])


def _issuer_keys(settings: AccessSettings, fetch: Fetch) -> IssuerKeys | None:
    if settings.access != "jwt":
        return None
    if settings.jwt_discovery:
        return IssuerKeys(settings.jwt_issuer.rstrip("/") + DISCOVERY_PATH, fetch, discovery=True)
    return IssuerKeys(settings.jwt_jwks_url, fetch) if settings.jwt_jwks_url else None
