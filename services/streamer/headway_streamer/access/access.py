"""Access control of a streamer, made from its settings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from headway_streamer.access.algorithms import EVERY_ALGORITHM
from headway_streamer.access.authenticators import (
    Authenticator,
    ForwardedIdentity,
    ForwardNames,
    NoAuthentication,
    TokenAuthentication,
)
from headway_streamer.access.claims import ClaimNames
from headway_streamer.access.code_flow import Client, CodeFlow, Post
from headway_streamer.access.fetch import fetch_json, post_form
from headway_streamer.access.jwks import Fetch, IssuerKeys
from headway_streamer.access.keys import KeySource, StaticKeys, read_keys, secret_key
from headway_streamer.access.principal import Principal
from headway_streamer.access.provider import DISCOVERY_PATH, Provider
from headway_streamer.access.settings import AccessSettings
from headway_streamer.access.start_token import StartTokens
from headway_streamer.access.stream_token import StreamTokens
from headway_streamer.access.verifier import Requirements, Verifier


class Access:
    """What decides who a request is from.

    Args:
        settings: of access control.
        fetch: reads JSON documents of an issuer.
        post: sends the codes of sign-ins to the issuer.

    Raises SettingsError for keys that cannot be read or are too weak.
    """

    def __init__(self, settings: AccessSettings, fetch: Fetch = fetch_json, post: Post = post_form) -> None:
        self.settings = settings
        self.issuer_keys = _issuer_keys(settings, fetch)
        secrets = settings.stream_token_secrets
        self.stream_tokens = StreamTokens(secrets) if secrets else None
        self.start_tokens = StartTokens(secrets) if secrets else None
        self.authenticator = self._authenticator()
        self.code_flow = self._code_flow(fetch, post)
        """How people sign in at the issuer; None if they do not."""

    @property
    def open(self) -> bool:
        """Whether everybody may do everything."""
        return self.settings.access == "none"

    def stream_token(self, principal: Principal, tasks: Iterable[str]) -> str:
        """A token for streams of `tasks`. Empty where none is needed, and where there is no secret to sign it with."""
        if self.open or self.stream_tokens is None:
            return ""
        return self.stream_tokens.mint(principal, tasks)

    def start_token(self, principal: Principal, kind: str) -> str:
        """A token that starts one task of `kind`. Empty as a stream token may be."""
        if self.open or self.start_tokens is None:
            return ""
        return self.start_tokens.mint(principal, kind)

    async def keep_keys_fresh(self) -> None:
        """Read the keys of the issuer again and again, if they come from a URL. A root task."""
        if self.issuer_keys is not None:
            await self.issuer_keys.keep_fresh()

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
        return Requirements(issuer=self.settings.jwt_issuer, audience=audience, algorithms=algorithms)

    def _keys(self) -> KeySource:
        if self.issuer_keys is not None:
            return self.issuer_keys
        if self.settings.jwt_keys_file:
            return StaticKeys(read_keys(Path(self.settings.jwt_keys_file)))
        return StaticKeys([secret_key(self.settings.jwt_secret)])


def _issuer_keys(settings: AccessSettings, fetch: Fetch) -> IssuerKeys | None:
    if settings.access != "jwt":
        return None
    if settings.jwt_discovery:
        return IssuerKeys(settings.jwt_issuer.rstrip("/") + DISCOVERY_PATH, fetch, discovery=True)
    return IssuerKeys(settings.jwt_jwks_url, fetch) if settings.jwt_jwks_url else None
