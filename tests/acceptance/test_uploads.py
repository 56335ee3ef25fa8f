"""A large file goes through an installed streamer without being held there."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.fixtures.process import resident_bytes

MIB = 1024 * 1024
MOST_MIB = 8
"""What the streamer may grow by, whatever the size of the file: parts on their way, and what Python keeps of them."""


async def pieces(count):
    piece = bytes(range(256)) * 4096
    for _ in range(count):
        yield piece


@pytest.mark.parametrize("size", [24, pytest.param(200, marks=pytest.mark.slow)])
async def test_a_file_is_not_held_in_memory(streamers, figures, size):
    s1 = await streamers("s1", {"HEADWAY_STREAMER_MAX_STORE_SHARE": "0"})
    async with httpx.AsyncClient(base_url=s1.url, timeout=120) as http:
        first = await http.post("/api/v1/files", content=pieces(2))  # what is loaded once
        async with http.stream("GET", f"{first.headers['location']}/content") as answer:
            assert sum([len(part) async for part in answer.aiter_bytes()]) == 2 * MIB
        before, most = resident_bytes(s1.pid), 0

        async def measure():
            nonlocal most
            while True:
                most = max(most, resident_bytes(s1.pid) - before)
                await asyncio.sleep(0.02)

        measuring = asyncio.ensure_future(measure())
        uploaded = await http.post("/api/v1/files", content=pieces(size))
        assert (uploaded.status_code, uploaded.json()["bytes"]) == (201, size * MIB)
        async with http.stream("GET", f"{uploaded.headers['location']}/content") as answer:
            assert sum([len(part) async for part in answer.aiter_bytes()]) == size * MIB
        measuring.cancel()
    figures(f"upload and download of {size} MiB", grown_kib=most // 1024)
    assert most < MOST_MIB * MIB, Path(s1.log).read_text()[-2000:]
