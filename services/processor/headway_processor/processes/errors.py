"""What can go wrong with a process of handlers."""

from __future__ import annotations

from headway.errors import HeadwayError


class ProcessStartError(HeadwayError):
    """A process could not be started, or could not load the kinds."""


class MalformedFrameError(HeadwayError):
    """Bytes on the pipe that are not a frame: the handler has written there, or the process is damaged."""


class PipeClosedError(HeadwayError):
    """The other process has ended, or has closed the pipe."""
