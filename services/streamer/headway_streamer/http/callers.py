"""Whom a request counts against, by its principal and its address."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from headway_streamer.access.addresses import Networks, address_of, client_address, parse_networks
from headway_streamer.access.principal import EVERYBODY, Principal
from headway_streamer.limits.caller import NOBODY, Caller, address_key, owner_key
from headway_streamer.settings import Settings


class Callers:
    """Finds the caller of a request, with as much of it as the settings limit."""

    def __init__(self, settings: Settings) -> None:
        self._user_header = settings.user_header.lower().encode("latin-1")
        self._proxies = Networks(parse_networks("trusted_proxies", settings.trusted_proxies))
        self._owners = bool(settings.max_watchers_per_user or settings.max_submit_rate_per_user)
        self._addresses = bool(settings.max_watchers_per_address or settings.max_submit_rate_per_address)

    def of(self, scope: Any, principal: Principal) -> Caller:
        """The caller of the request of an ASGI scope; NOBODY, the object itself, where nothing is counted."""
        if principal is EVERYBODY and not self._user_header and not self._addresses:
            return NOBODY
        name, tenant = principal.owner, principal.tenant
        if principal is EVERYBODY and self._user_header:
            name = next((value.decode("latin-1") for key, value in scope["headers"] if key == self._user_header), "")
        owner = owner_key(tenant, name) if name and self._owners else ""
        if not self._addresses:
            return _of_owner(owner, name, tenant)
        host = client_address((scope.get("client") or ("",))[0], scope["headers"], self._proxies)
        return Caller(owner, address_key(address_of(host)) if host else "", name, tenant, host)


@lru_cache(4096)
def _of_owner(owner: str, name: str, tenant: str) -> Caller:
    """The caller of all requests of an owner: one object for all streams that are open."""
    return Caller(owner, "", name, tenant)
