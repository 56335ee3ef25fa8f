"""The public application."""

from headway.testing import MemoryLog
from tests.unit.streamer.http.conftest import streamer

ORIGIN = "https://app.example.org"


async def test_the_openapi_document_lists_every_public_route(client):
    paths = (await client.get("/schema/openapi.json")).json()["paths"]
    assert sorted(paths) == [
        "/api/v1/kinds",
        "/api/v1/process/stream",
        "/api/v1/process/{kind}/stream",
        "/api/v1/stream",
        "/api/v1/tasks",
        "/api/v1/tasks/{task}",
        "/api/v1/tasks/{task}/cancel",
        "/api/v1/tasks/{task}/result",
        "/api/v1/tasks/{task}/retry",
        "/api/v1/tasks/{task}/stream",
        "/tasks/{task}/stream",
    ]


async def test_pages_of_listed_origins_may_read(client):
    headers = {"Origin": ORIGIN}
    assert "access-control-allow-origin" not in (await client.get("/api/v1/kinds", headers=headers)).headers
    async with streamer(MemoryLog(), cors_origins=(ORIGIN,)) as (_, other):
        reply = await other.get("/api/v1/kinds", headers=headers)
        assert reply.headers["access-control-allow-origin"] == ORIGIN
