"""What `headway.celery.connect` was asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from headway.celery.naming import Title
from headway.ownership import UNKNOWN, Ownership

Owner: TypeAlias = Callable[[], str | tuple[str, str] | None]
"""Returns whose the tasks are that are published just now: the owner, or owner and tenant; None for the default."""

INTERNAL = frozenset(("celery.chord_unlock", "celery.backend_cleanup", "celery.ping"))
"""Tasks by which Celery keeps itself going. `celery.accumulate`, `celery.starmap` and the like do people's work."""

logger = logging.getLogger(__name__)


class Options(NamedTuple):
    """The options of one app."""

    owner: Owner | None = None
    title: Title | None = None
    reported: Callable[[str], bool] | None = None
    """Whether tasks of a name are reported; None for all of them."""
    terminate: bool = False
    """Whether a cancelled task is revoked with `terminate=True`, which kills the process that runs it."""
    log_level: str = "INFO"
    """From which level on log records of tasks become log lines; OFF for none."""

    def reports(self, name: str) -> bool:
        """Whether tasks of this name are reported."""
        return name not in INTERNAL and (self.reported is None or bool(self.reported(name)))

    def ownership(self) -> Ownership:
        """Whose the tasks are that are published just now, as `owner` says; UNKNOWN for the default."""
        try:
            found = None if self.owner is None else self.owner()
            if isinstance(found, tuple):
                return Ownership(*map(str, found))
            return Ownership(str(found)) if found else UNKNOWN
        except Exception:
            logger.warning("an owner was not found", extra={"action": "celery_owner"}, exc_info=True)
            return UNKNOWN
