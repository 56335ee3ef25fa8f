"""Permission for pages of listed origins."""

from headway.testing import MemoryLog
from headway_streamer.http import cors
from tests.unit.streamer.http.conftest import streamer

ORIGIN = "https://app.example.org"
ASKS = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


def test_a_permission_names_one_origin():
    headers = dict(cors.permission(b"https://a.example"))
    assert (headers[b"access-control-allow-origin"], headers[b"vary"]) == (b"https://a.example", b"Origin")


async def test_a_preflight_is_answered_without_asking_the_application(client):
    async with streamer(MemoryLog(), cors_origins=(ORIGIN,)) as (_, other):
        reply = await other.options("/api/v1/tasks", headers=ASKS)
        assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (204, ORIGIN)
        assert "Idempotency-Key" in reply.headers["access-control-allow-headers"]
        assert "POST" in reply.headers["access-control-allow-methods"]
        plain = await other.options("/api/v1/tasks", headers={"Origin": ORIGIN})
        assert "POST" in plain.headers["allow"]
    assert (await client.options("/api/v1/tasks", headers=ASKS)).status_code == 403
