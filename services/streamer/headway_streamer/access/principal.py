"""Whom a request comes from, and what that lets it do."""

from __future__ import annotations

import math
from typing import NamedTuple

from headway.ownership import Ownership
from headway.records import TaskRecord

PRINCIPAL = "headway.principal"
"""Key of the ASGI scope: where the principal of a request is."""
SUBMIT = "tasks:submit"
READ = "tasks:read"
CANCEL = "tasks:cancel"
DELETE = "tasks:delete"
REPORT = "tasks:report"
REVOKE = "tokens:revoke"
"""Allows to revoke tokens of others in the tenant. Everybody may revoke their own."""
PROCESSORS = "processors:read"
"""Allows to see which processors are alive."""
READ_FILES = "files:read"
WRITE_FILES = "files:write"
"""Allows to upload files for tasks, and to delete them. Everybody sees their own files only."""
DEAD_READ = "dead:read"
"""Allows to see the jobs that were given up."""
DEAD_WRITE = "dead:write"
"""Allows to drop them, and with `tasks:submit` to submit them again."""
ALL = "tasks:all"
"""Extends the other scopes of tasks from one's own tasks to those of everybody in the tenant."""
KINDS = "kinds:"
"""Prefix of scopes that each allow one kind. Without any of them every kind is allowed."""
ACTIONS = frozenset(
    (SUBMIT, READ, CANCEL, DELETE, REPORT, REVOKE, PROCESSORS, DEAD_READ, DEAD_WRITE, READ_FILES, WRITE_FILES)
)


class Principal(NamedTuple):
    """An authenticated caller. Tasks are visible within its tenant only."""

    owner: str
    tenant: str
    scopes: frozenset[str]
    expires: float = math.inf
    """Seconds since 1970 after which the token is no longer valid."""
    tokens: tuple[str, ...] = ()
    """Ids of the token and of those that it was minted with. Each of them can be revoked."""
    issued: float = 0.0
    """Seconds since 1970 at which the first of these tokens was issued; 0 if it does not say."""
    tasks: frozenset[str] | None = None
    """The only tasks that a stream token is for; None for all that are visible."""

    def may(self, action: str) -> bool:
        """Whether `action`, one of ACTIONS, is allowed on the tasks that are visible."""
        return action in self.scopes

    def may_run(self, kind: str) -> bool:
        """Whether tasks of `kind` may be submitted."""
        return SUBMIT in self.scopes and self._has_kind(kind)

    def may_report(self, kind: str) -> bool:
        """Whether tasks of `kind` may be reported."""
        return REPORT in self.scopes and self._has_kind(kind)

    def owns(self, ownership: Ownership) -> bool:
        """Whether a task is one's own, whatever the scopes are: nobody reports for others."""
        return ownership == Ownership(self.owner, self.tenant)

    def _has_kind(self, kind: str) -> bool:
        kinds = {scope for scope in self.scopes if scope.startswith(KINDS)}
        return not kinds or KINDS + kind in kinds

    @property
    def visible(self) -> tuple[str, str | None] | None:
        """The tenant whose tasks are visible, and the owner, or None for all of its owners; None for everything."""
        return self.tenant, None if ALL in self.scopes else self.owner

    def sees(self, record: TaskRecord) -> bool:
        """Whether the task is one's own, or one of the tenant for a principal with the scope `tasks:all`."""
        return self.sees_task(record.task, record.ownership)

    def sees_task(self, task: str, ownership: Ownership) -> bool:
        """The same as `sees`, without the task's record."""
        if self.tasks is not None and task not in self.tasks:
            return False
        return ownership.tenant == self.tenant and (ownership.owner == self.owner or ALL in self.scopes)


class Everybody(Principal):
    """The caller while access control is off: everything is allowed."""

    def may(self, action: str) -> bool:
        """Return True."""
        return True

    def may_run(self, kind: str) -> bool:
        """Return True."""
        return True

    def may_report(self, kind: str) -> bool:
        """Return True."""
        return True

    def owns(self, ownership: Ownership) -> bool:
        """Return True."""
        return True

    @property
    def visible(self) -> None:
        """Everything."""
        return None

    def sees_task(self, task: str, ownership: Ownership) -> bool:
        """Return True."""
        return True


EVERYBODY = Everybody(owner="", tenant="", scopes=ACTIONS)
