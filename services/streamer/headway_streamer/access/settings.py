"""Settings of access control."""

from __future__ import annotations

from typing import Literal

import msgspec

from headway.errors import SettingsError
from headway_streamer.access.addresses import Network, parse_networks
from headway_streamer.access.algorithms import EVERY_ALGORITHM
from headway_streamer.access.principal import ACTIONS, ALL, KINDS
from headway_streamer.access.urls import is_confidential

CALLBACK = "/session/callback"
"""What the address of the page is followed by in `oidc_redirect_uri`."""
PREFIX = "HEADWAY_STREAMER_"


class AccessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Environment: `HEADWAY_STREAMER_` and the name in capitals."""

    access: Literal["none", "jwt", "forward"] = "none"
    """Who may use the API: `none`, everybody who reaches it; `jwt`, holders of a token; `forward`, callers that a
    gateway has authenticated."""
    allow_anonymous: bool = False
    """Whether the mode `none` may be bound beyond loopback."""
    jwt_secret: str = ""
    """Mode `jwt`: secret of tokens signed by HS256, HS384 or HS512; at least 32 bytes."""
    jwt_keys_file: str = ""
    """Mode `jwt`: file with the issuer's public keys, as a JWK set or in PEM."""
    jwt_jwks_url: str = ""
    """Mode `jwt`: URL of the issuer's JWK set, which is read every five minutes."""
    jwt_discovery: bool = False
    """Mode `jwt`: whether the URL of the JWK set is taken from the issuer's OpenID Connect discovery document."""
    jwt_issuer: str = ""
    """Mode `jwt`: the `iss` that tokens must have. Empty accepts any; possible with `jwt_secret` alone."""
    jwt_audience: str = "headway"
    """Mode `jwt`: the `aud` that tokens must have."""
    jwt_algorithms: tuple[str, ...] = ()
    """Mode `jwt`: accepted algorithms. Empty: those that fit the keys."""
    oidc_client_id: str = ""
    """Mode `jwt`: id of the client at the issuer with which people sign in on the page. Empty: only by a token."""
    oidc_client_secret: str = ""
    """Secret of that client. Empty for a public client."""
    oidc_redirect_uri: str = ""
    """Address of the page as browsers see it, followed by `/session/callback`. The issuer must know it."""
    oidc_scopes: tuple[str, ...] = ("openid",)
    """Scopes that a sign-in asks the issuer for."""
    claim_owner: str = "sub"
    """Claim with the owner of tasks. Dots lead into objects."""
    claim_tenant: str = ""
    """Claim with the tenant. Empty: all owners belong to one tenant."""
    claim_scopes: str = "scope"
    """Claim with the scopes, as words or a list: tasks:submit, tasks:read, tasks:cancel, tasks:report, tasks:all,
    tokens:revoke, processors:read, dead:read, dead:write, files:read, files:write, kinds:<name>."""
    default_scopes: tuple[str, ...] = ()
    """Scopes of everybody, beside those of the claim or header."""
    forward_peers: tuple[str, ...] = ()
    """Mode `forward`: addresses or networks of the gateway; identity headers from elsewhere are not believed."""
    forward_owner_header: str = "X-Forwarded-User"
    """Mode `forward`: header with the owner."""
    forward_tenant_header: str = ""
    """Mode `forward`: header with the tenant. Empty: all owners belong to one tenant."""
    forward_scopes_header: str = ""
    """Mode `forward`: header with the scopes, separated by spaces. Empty: `default_scopes`."""

    def __post_init__(self) -> None:
        if self.access == "jwt":
            self._check_jwt()
        if self.access == "forward" and not self.forward_peers:
            raise SettingsError(f"{PREFIX}ACCESS=forward needs the addresses of the gateway in {PREFIX}FORWARD_PEERS")
        if unknown := {scope for scope in self.default_scopes if not _is_scope(scope)}:
            raise SettingsError(f"{PREFIX}DEFAULT_SCOPES: there is no scope {sorted(unknown)[0]!r}")
        self.peers()
        if self.oidc_client_id:
            self._check_sign_in()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may show."""
        return tuple(filter(None, (self.jwt_secret, self.oidc_client_secret)))

    def peers(self) -> list[Network]:
        """The networks of the gateway. Raises SettingsError."""
        return parse_networks(f"{PREFIX}FORWARD_PEERS", self.forward_peers)

    def _check_jwt(self) -> None:
        sources = [self.jwt_secret, self.jwt_keys_file, self.jwt_jwks_url, self.jwt_discovery]
        if sum(map(bool, sources)) != 1:
            names = ", ".join(f"{PREFIX}JWT_{name}" for name in ("SECRET", "KEYS_FILE", "JWKS_URL", "DISCOVERY"))
            raise SettingsError(f"{PREFIX}ACCESS=jwt needs exactly one source of keys: {names}")
        if not self.jwt_secret and not self.jwt_issuer:
            raise SettingsError(f"{PREFIX}JWT_ISSUER must name the issuer of the tokens")
        if unknown := set(self.jwt_algorithms) - EVERY_ALGORITHM:
            raise SettingsError(f"{PREFIX}JWT_ALGORITHMS: {sorted(unknown)[0]!r} is not accepted")

    def _check_sign_in(self) -> None:
        if self.access != "jwt" or not self.jwt_issuer:
            raise SettingsError(f"{PREFIX}OIDC_CLIENT_ID needs {PREFIX}ACCESS=jwt and {PREFIX}JWT_ISSUER")
        uri = self.oidc_redirect_uri
        if not is_confidential(uri) or not uri.endswith(CALLBACK) or "?" in uri or "#" in uri:
            raise SettingsError(
                f"{PREFIX}OIDC_REDIRECT_URI is the https address of the page, followed by {CALLBACK}; "
                "http only on this machine"
            )
        if "openid" not in self.oidc_scopes:
            raise SettingsError(f"{PREFIX}OIDC_SCOPES must contain openid")


def _is_scope(scope: str) -> bool:
    return scope in ACTIONS or scope == ALL or scope.startswith(KINDS)
