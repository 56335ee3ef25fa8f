"""The servers under test, one module each, behind the interface `bench.peers.peer.Peer`."""

from __future__ import annotations

from bench.peers.centrifugo import Centrifugo
from bench.peers.headway import Headway
from bench.peers.litestar_sse import LitestarSse
from bench.peers.mercure import Mercure
from bench.peers.nchan import Nchan, ReusedNchan
from bench.peers.peer import Peer
from bench.peers.secured import SecuredHeadway
from bench.peers.sse_starlette import SseStarlette

HUBS: list[type[Peer]] = [Nchan, Mercure, Centrifugo]
"""Programs that are made for fan-out."""
LIBRARIES: list[type[Peer]] = [SseStarlette, LitestarSse]
"""Applications with an SSE library in Python."""

__all__ = [
    "HUBS",
    "LIBRARIES",
    "Centrifugo",
    "Headway",
    "LitestarSse",
    "Mercure",
    "Nchan",
    "Peer",
    "ReusedNchan",
    "SecuredHeadway",
    "SseStarlette",
]
