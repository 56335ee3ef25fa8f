"""uvicorn's HTTP protocol with bounds on requests that are not whole.

uvicorn with httptools takes a head of any length and waits for it, and for a body, as long as the client likes. It also
adds the trailers of a chunked body to the headers of the request, which a proxy has filtered; starts the application
before the parser has seen that a body's length is ambiguous; and writes a 400 into a response that is being sent.

This relies on private APIs of uvicorn; `tests/unit/streamer/process/test_bounded_protocol.py` pins them.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, TypeVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from headway_streamer.process.refusals import (
    BODY_SIZE,
    BODY_TIME,
    FILE_SIZE,
    HEAD_SIZE,
    HEAD_TIME,
    HEADERS,
    MALFORMED,
    PIPELINED,
    TARGET_SIZE,
    Refusal,
    RefusedError,
    answer,
)
from headway_streamer.process.unfinished_requests import Address, UnfinishedRequests

MAX_PIPELINED = 16
"""Requests that wait for the answer to an earlier one; each takes about 3 KiB. Browsers send none."""
LINGER_SECONDS = 2.0
"""How long a refused client may continue to send: if the connection were closed at once, the kernel would drop the
answer that the client has not read (RFC 9112 §9.6)."""
LINGER_BYTES = 8 * 1024 * 1024
"""What it may send meanwhile; it is thrown away."""

UPLOADS = b"/api/v1/files"
"""Path of the only requests whose bodies may be large."""
MIN_UPLOAD_BYTES = 64 * 1024
"""What must arrive of a file in `body_seconds`."""

HEAD, NEW_BODY, BODY, WHOLE, IGNORED = range(5)
"""Stages of a connection: the head of a request is expected; a body may begin in this chunk; its body is expected;
nothing is; what comes is thrown away."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A request that exceeds a bound is answered with a problem, and the connection is closed."""

    __slots__ = ("_chunk_bytes", "_received", "_stage", "_timed", "_uploads", "address", "due_at")

    requests: ClassVar[UnfinishedRequests]
    """Those of the server; see `bounded`."""
    address: Address
    due_at: float
    """Loop time at which the head or the body must be whole."""
    _stage: int
    _received: int
    """Bytes of this stage in earlier chunks."""
    _chunk_bytes: int
    """Size of the chunk that is parsed."""
    _uploads: bool
    """Whether the body is a file: it may be large, and take any time as long as something arrives."""
    _timed: int
    """Bytes of the file that had arrived when its time began."""

    # The transport's side

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self._stage, self._received, self._chunk_bytes = HEAD, 0, 0
        self._uploads, self._timed = False, 0
        self.address = self.requests.connected(self.client[0] if self.client else "")
        if self.requests.has_too_many(self.address):
            # No answer: an EventSource that gets one never connects again, and it costs more than it tells.
            self.requests.refused("connections", self.address)
            self._stage = IGNORED
            transport.abort()
        else:
            self.requests.begun(self, self.loop.time())

    def data_received(self, data: bytes) -> None:
        """Parse what was received, as far as the bounds allow."""
        if self._stage == WHOLE:
            self._begin_head()
        elif self._stage == IGNORED:
            self._ignore(len(data))
            return
        self._chunk_bytes = len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # to no protocol: the request is answered as if it did not ask for one
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.refusal if isinstance(cause, RefusedError) else MALFORMED)
        else:
            if self._stage != WHOLE:
                self._count(len(data))

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has disconnected, or all was sent."""
        super().connection_lost(exc)
        self.requests.disconnected(self)

    # The parser's side

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self._stage == WHOLE:  # behind another one, in the same chunk
            self._begin_head()
            self._received = 1 - self._chunk_bytes  # at least one byte of the chunk is of this head

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        self.url += url
        if len(self.url) > self.requests.limits.max_target_bytes:
            raise RefusedError(TARGET_SIZE)

    def on_headers_complete(self) -> None:
        """The head is whole: check it, and start the application."""
        self._check_head()
        self._stage = NEW_BODY
        super().on_headers_complete()
        self.headers = []  # for trailers, which nobody reads
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser drops what follows in the chunk

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._stage = WHOLE
        self.requests.finished(self)
        super().on_message_complete()

    # The timer's side

    def on_due(self, now: float) -> None:
        """The time of the head, of the body, or of a refused client is over."""
        if self._stage == IGNORED:
            self.requests.finished(self)
            self.transport.abort()
        elif self.flow.read_paused:
            self.due_at = now + self.requests.limits.body_seconds  # the client is not to blame: nothing is read
        elif self._stage == BODY and self._uploads and self._received - self._timed >= MIN_UPLOAD_BYTES:
            self._timed = self._received
            self.due_at = now + self.requests.limits.body_seconds
        elif self._stage == BODY:
            self._refuse(BODY_TIME)
        elif self._received:
            self._refuse(HEAD_TIME)
        else:  # browsers connect in advance; that is no error to answer
            self.requests.refused("silent", self.address)
            self.requests.finished(self)
            self.transport.close()

    # Steps

    def _stop_requests(self) -> None:
        """Throw away whatever comes from now on."""
        self._stage, self._received, self.due_at = IGNORED, 0, 0.0
        self.requests.finished(self)

    def _begin_head(self) -> None:
        self._stage = HEAD
        self._received = 0
        self.requests.begun(self, self.loop.time())

    def _count(self, size: int) -> None:
        """Count a chunk behind which the request is not whole."""
        limits = self.requests.limits
        if self._stage in (NEW_BODY, BODY) and self._uploads and self.cycle.response_complete:
            self._linger_unread()
            return
        if self._stage == NEW_BODY:  # most requests have none; those that have are looked at here
            self._stage, self._received, self._timed = BODY, 0, 0
            self.requests.expect_body(self, self.loop.time())
            return
        self._received += size
        if self._stage == HEAD and self._received > limits.max_head_bytes:
            self._refuse(HEAD_SIZE)
        elif self._stage == BODY and self._received > limits.max_raw_bytes(file=self._uploads):
            self._refuse(FILE_SIZE if self._uploads else BODY_SIZE)

    def _check_head(self) -> None:
        limits = self.requests.limits
        # Exact only where it matters: a chunk that is short enough holds a head that is.
        if self._chunk_bytes + max(self._received, 0) > limits.max_head_bytes:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > limits.max_head_bytes:
                raise RefusedError(HEAD_SIZE)
        if len(self.headers) > limits.max_headers:
            raise RefusedError(HEADERS)
        if len(self.pipeline) >= MAX_PIPELINED:
            raise RefusedError(PIPELINED)
        self._uploads = self.url.partition(b"?")[0] == UPLOADS and self.parser.get_method() == b"POST"
        for name, value in self.headers:
            if self._uploads and name == b"content-length" and int(value) > limits.max_file_bytes:
                raise RefusedError(FILE_SIZE)
            # The parser refuses all but a final "chunked", some of it after it has announced the request.
            if name == b"transfer-encoding" and value.lower() != b"chunked":
                raise RefusedError(MALFORMED)

    def _refuse(self, refusal: Refusal) -> None:
        """Answer, unless an earlier answer is under way, and throw away what else comes."""
        self.requests.refused(refusal.reason, self.address)
        in_body, self._stage, self._received = self._stage in (NEW_BODY, BODY), IGNORED, 0
        cycle = self.cycle
        if in_body and self.pipeline:
            self.transport.abort()
            return
        if cycle is not None and not cycle.response_complete:
            if not in_body or cycle.response_started:
                cycle.keep_alive = False  # uvicorn closes the connection after this answer
                self.requests.finished(self)
                return
            cycle.disconnected = True
            cycle.message_event.set()
        if cycle is None or not in_body or not cycle.response_complete:
            self.transport.write(answer(refusal, self.server_state.default_headers))
        self._linger()

    def _linger_unread(self) -> None:
        """The application has answered before the file was there, so the rest of it is not wanted."""
        self._stage, self._received = IGNORED, 0
        self._linger()

    def _linger(self) -> None:
        """Close the connection for writing, and soon entirely."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.requests.linger(self, self.loop.time() + LINGER_SECONDS)

    def _ignore(self, size: int) -> None:
        self._received += size
        if self._received > LINGER_BYTES:
            self.transport.abort()


P = TypeVar("P", bound=BoundedProtocol)


def bounded(protocol: type[P], requests: UnfinishedRequests) -> type[P]:
    """The class of the connections of one server: as an attribute of each, `requests` would cost time and memory."""
    return type(protocol.__name__, (protocol,), {"requests": requests, "__slots__": ()})
