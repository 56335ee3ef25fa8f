"""The public application."""

from headway.testing import MemoryLog
from tests.unit.streamer.http.conftest import streamer

ORIGIN = "https://app.example.org"


async def test_pages_of_listed_origins_may_read(client):
    headers = {"Origin": ORIGIN}
    assert "access-control-allow-origin" not in (await client.get("/api/v1/kinds", headers=headers)).headers
    async with streamer(MemoryLog(), cors_origins=(ORIGIN,)) as (_, other):
        reply = await other.get("/api/v1/kinds", headers=headers)
        assert reply.headers["access-control-allow-origin"] == ORIGIN
