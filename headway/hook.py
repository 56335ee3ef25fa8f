"""A method of a class of another library that is replaced as long as something is connected."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

Make = Callable[[Any], Callable[..., Any]]
"""Makes the function that replaces a method; it gets the function or descriptor of the class."""


class Hook:
    """Replaces one method. Several connections replace it once.

    Args:
        method: its name.
        make: makes its replacement, which has no effect while the hook is not `active`.
    """

    def __init__(self, method: str, make: Make) -> None:
        self._method = method
        self._make = make
        self._lock = threading.Lock()
        self._connections = 0
        self._installed: tuple[Any, Any] | None = None

    @property
    def active(self) -> bool:
        """Whether something is connected."""
        return self._connections > 0

    def connect(self, owner: type) -> ExitStack:
        """Replace the method of `owner`. Returns what undoes it, by ``close()`` or as a context manager."""
        undo = ExitStack()
        with self._lock:
            self._connections += 1
            if self._installed is None:
                own = vars(owner)[self._method]
                replacement = functools.wraps(getattr(owner, self._method))(self._make(own))
                self._installed = own, replacement
                setattr(owner, self._method, replacement)
        undo.callback(self._disconnect, owner)
        return undo

    def _disconnect(self, owner: type) -> None:
        with self._lock:
            self._connections -= 1
            if self._connections or self._installed is None:
                return
            own, replacement = self._installed
            if vars(owner)[self._method] is replacement:  # else other code has replaced it since, and may call it
                setattr(owner, self._method, own)
                self._installed = None
