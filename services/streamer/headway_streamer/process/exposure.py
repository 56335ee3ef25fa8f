"""What the log says at the start about who may use the streamer: there is no access control."""

from __future__ import annotations

import ipaddress
import logging

logger = logging.getLogger(__name__)


def log_exposure(address: str) -> None:
    """Log whom the public port, bound to the IP address `address`, lets in: a warning when it is beyond loopback."""
    extra = {"action": "no_access_control", "address": address}
    if ipaddress.ip_address(address).is_loopback:
        logger.info(
            "there is no access control: everybody on this machine may submit, read and cancel tasks", extra=extra
        )
    else:
        logger.warning(
            "there is no access control: anybody who reaches the public port may submit, read and cancel tasks",
            extra=extra,
        )
