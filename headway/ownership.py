"""Whose a task is, as the headers of its events say it beside their payload, which browsers get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

OWNER_HEADER = "Headway-Owner"
TENANT_HEADER = "Headway-Tenant"


class Ownership(NamedTuple):
    """The owner of a task, and the tenant whose the owner is. Both are empty without access control."""

    owner: str = ""
    tenant: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Headers for a message of NATS: percent-encoded, so that no name ends a line. None for empty names.

        >>> Ownership("ann b", "acme").headers
        {'Headway-Owner': 'ann%20b', 'Headway-Tenant': 'acme'}
        """
        names = {OWNER_HEADER: self.owner, TENANT_HEADER: self.tenant}
        return {header: quote(name, safe="") for header, name in names.items() if name}

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> Ownership:
        """The ownership that headers of a message name; UNKNOWN for those of a message without."""
        return cls(*(unquote(headers.get(header, "")) for header in (OWNER_HEADER, TENANT_HEADER)))


UNKNOWN = Ownership()
"""Without access control, and of events that were stored before it was switched on."""
