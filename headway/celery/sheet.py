"""What a message of Celery says of its task for Headway, in the header `headway`: workers know no more of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

HEADER = "headway"


class Sheet(NamedTuple):
    """The content of the header. A caller may send a part of it: ``headers={"headway": {"title": "Import"}}``."""

    owner: str | None = None
    tenant: str | None = None
    """Both None for those of the process that opens the task."""
    title: str = ""
    parent: str | None = None
    """Id of the task of which it is a part; None while that is unknown."""

    @classmethod
    def of(cls, header: object) -> Sheet:
        """The sheet in a header of any form.

        >>> Sheet.of({"title": "Import", "more": 1})
        Sheet(owner=None, tenant=None, title='Import', parent=None)
        """
        if not isinstance(header, Mapping):
            return cls()
        return cls(**{name: value for name in cls._fields if isinstance(value := header.get(name), str)})

    def header(self) -> dict[str, Any]:
        """The form in a message."""
        return {name: value for name, value in self._asdict().items() if value is not None}
