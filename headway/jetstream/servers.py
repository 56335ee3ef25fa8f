"""The setting HEADWAY_NATS_URL: the servers in it, and the user and password or token. No I/O.

nats-py takes these from a URL as they stand, without decoding them, and quotes the URL in errors. So it gets URLs
without them, and they are passed beside.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from headway.errors import SettingsError

VARIABLE = "HEADWAY_NATS_URL"
SCHEMES = ("nats", "tls", "ws", "wss")
_HINT = (
    "In a user or password write %23 for #, %2F for /, %3F for ?, %40 for @, %2C for a comma, %20 for a space and %25 "
    "for %; or set HEADWAY_NATS_USER and HEADWAY_NATS_PASSWORD"
)


class NatsServers(NamedTuple):
    """Servers, and how to log in to all of them."""

    urls: tuple[str, ...]
    """Without user and password."""
    user: str = ""
    password: str = ""
    token: str = ""

    @property
    def web(self) -> bool:
        """Whether they are reached over WebSocket."""
        return self.urls[0].startswith("ws")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown."""
        return tuple(secret for secret in (self.password, self.token) if secret)


def parse_servers(text: str) -> NatsServers:
    """Parse URLs separated by commas. Raises SettingsError, which does not quote them."""
    found = [_parse(number, part.strip()) for number, part in enumerate(text.split(","), 1)]
    if len({servers[1:] for servers in found}) > 1:
        raise SettingsError(f"{VARIABLE}: all URLs must have the same user and password. {_HINT}.")
    if len({servers.web for servers in found}) > 1:
        raise SettingsError(f"{VARIABLE}: ws:// and wss:// cannot be mixed with nats:// and tls://")
    return found[0]._replace(urls=tuple(servers.urls[0] for servers in found))


def _parse(number: int, text: str) -> NatsServers:
    url = text if "://" in text else f"nats://{text}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its message quotes the URL
        parts, port = SplitResult("", "", "", "", ""), None
    web = parts.scheme in ("ws", "wss")
    sound = parts.scheme in SCHEMES and parts.hostname and url.isprintable() and " " not in url
    if not sound or parts.fragment or (not web and (parts.query or parts.path not in ("", "/"))) or "@" in parts.path:
        raise SettingsError(f"{VARIABLE}: URL {number} is not one of NATS, such as nats://host:4222. {_HINT}.")
    host = parts.netloc.rpartition("@")[2]
    if not web and port is None:
        host = f"{host.rstrip(':')}:4222"
    rest = f"{parts.path}{'?' if parts.query else ''}{parts.query}" if web else ""
    user, password = unquote(parts.username or ""), parts.password
    address = f"{parts.scheme}://{host}{rest}"
    if password is None:
        return NatsServers((address,), token=user)
    return NatsServers((address,), user, unquote(password))
