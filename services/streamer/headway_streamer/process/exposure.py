"""Who may use the streamer, as far as its address and the mode of access control tell."""

from __future__ import annotations

import ipaddress
import logging

from headway.errors import SettingsError
from headway_streamer.access.settings import PREFIX, AccessSettings

logger = logging.getLogger(__name__)


def check_exposure(host: str, access: AccessSettings) -> None:
    """Raise SettingsError if everybody could use the API from elsewhere, and no setting says that they may."""
    if access.access == "none" and not access.allow_anonymous and not is_loopback(host):
        raise SettingsError(
            f"{PREFIX}HOST={host} lets everybody who reaches it submit, read and cancel tasks: choose a mode of access "
            f"control with {PREFIX}ACCESS, or set {PREFIX}ALLOW_ANONYMOUS=true"
        )


def log_exposure(address: str, access: AccessSettings) -> None:
    """Log whom the public port, bound to the IP address `address`, lets in: a warning when that is anybody."""
    extra = {"action": "access_control", "mode": access.access, "address": address}
    if access.access != "none":
        logger.info("access control is on", extra=extra)
    elif is_loopback(address):
        logger.info(
            "there is no access control: everybody on this machine may submit, read and cancel tasks", extra=extra
        )
    else:
        logger.warning(
            "there is no access control: anybody who reaches the public port may submit, read and cancel tasks",
            extra=extra,
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`, an address or a name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
