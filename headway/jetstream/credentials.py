"""How a connection logs in to NATS, and which certificates it uses, as options of nats-py's client.

What files hold can be replaced while a process runs: nats-py reads JWTs and seeds at each connection, and the
reconnecting client calls what is given as user and password.
"""

from __future__ import annotations

import re
import ssl
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.errors import SettingsError
from headway.jetstream.servers import parse_servers

if TYPE_CHECKING:
    from headway.jetstream.connection import NatsSettings

FILES = ("user_file", "password_file", "creds_file", "nkey_file", "tls_ca_file", "tls_cert_file", "tls_key_file")


def credentials(settings: NatsSettings) -> dict[str, Any]:
    """The options for `settings`. Raises SettingsError for files that are absent or do not hold what they should."""
    for field in FILES:
        path = getattr(settings, field)
        if path and not Path(path).is_file():
            raise SettingsError(f"HEADWAY_NATS_{field.upper()}={path}: no such file")
    options = _login(settings)
    if settings.creds_file:
        _check_seed("HEADWAY_NATS_CREDS_FILE", settings.creds_file, _SEED_OF_CREDS)
        options["user_credentials"] = settings.creds_file
    if settings.nkey_file:
        _check_seed("HEADWAY_NATS_NKEY_FILE", settings.nkey_file, _SEED)
        options["nkeys_seed"] = settings.nkey_file
    if settings.tls_ca_file or settings.tls_cert_file:
        options["tls"] = _tls(settings)
    return options


def _login(settings: NatsSettings) -> dict[str, Any]:
    user = partial(content_of, settings.user_file) if settings.user_file else settings.user
    password = partial(content_of, settings.password_file) if settings.password_file else settings.password
    if user:
        return {"user": user, "password": password}
    if settings.password_file:
        raise SettingsError("HEADWAY_NATS_PASSWORD_FILE needs HEADWAY_NATS_USER or HEADWAY_NATS_USER_FILE")
    servers = parse_servers(settings.url)
    if servers.user:
        return {"user": servers.user, "password": servers.password}
    return {"token": servers.token} if servers.token else {}


def content_of(path: str) -> str:
    """What a file holds now, without the end of the line. Raises OSError."""
    return Path(path).read_text().rstrip("\r\n")


_SEED = re.compile(rb"\s*(SU[A-Z2-7]+)\s*")
_SEED_OF_CREDS = re.compile(rb".*BEGIN NATS USER JWT-+\s+\S+.*BEGIN USER NKEY SEED-+\s+(\S+)\s.*", re.DOTALL)


def _check_seed(variable: str, path: str, form: re.Pattern[bytes]) -> None:
    """Raise SettingsError at once: nats-py would fail in every try to connect, indefinitely."""
    try:
        import nkeys
    except ImportError as error:
        raise SettingsError(f"{variable} needs the package nkeys: pip install 'nats-py[nkeys]'") from error
    found = form.fullmatch(Path(path).read_bytes())
    try:
        nkeys.from_seed(bytearray(found[1] if found else b"")).wipe()
    except (ValueError, IndexError, nkeys.NkeysError) as error:  # not base32, or too short
        raise SettingsError(f"{variable}={path}: the file does not have the form that `nsc` or `nk` write") from error


def _tls(settings: NatsSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file or None)
        if settings.tls_cert_file:
            context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file or None)
    except ssl.SSLError as error:
        raise SettingsError(
            f"HEADWAY_NATS_TLS_*: not certificates and keys in PEM that belong together: {error}"
        ) from error
    return context
