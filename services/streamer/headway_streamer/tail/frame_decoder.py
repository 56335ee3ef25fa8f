"""Decoding of stored messages into frames.

The decoder owns the stream's incarnation: without it there is no frame and no cursor.
"""

from __future__ import annotations

from headway import codec
from headway.errors import MalformedEventError, UnavailableError
from headway_streamer.frames.frame import Frame
from headway_streamer.malformed import Malformed
from headway_streamer.metrics import Metrics


class FrameDecoder:
    """Makes frames, whose ids contain the incarnation of their stream."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.malformed = Malformed(metrics)
        self._incarnation = b""

    @property
    def known(self) -> bool:
        """Whether the incarnation is known: before that nothing can be served."""
        return bool(self._incarnation)

    @property
    def incarnation(self) -> str:
        """Incarnation of the stream, a part of every cursor. Raises UnavailableError before it is known."""
        return self._checked().decode()

    @incarnation.setter
    def incarnation(self, value: str) -> None:
        self._incarnation = value.encode()

    def frame(self, task: str, payload: bytes, seq: int) -> Frame | None:
        """The frame of one message. None for one that is not an event of this task, which is counted.

        Raises UnavailableError before the incarnation is known.
        """
        incarnation = self._checked()
        try:
            return Frame.of(codec.decode(payload, task), payload, seq, incarnation)
        except MalformedEventError as error:
            self.malformed.note("event", task, error, seq=seq)
            return None

    def _checked(self) -> bytes:
        if not self._incarnation:
            raise UnavailableError("the event stream is not known yet")
        return self._incarnation
