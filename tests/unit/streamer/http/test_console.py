"""The routes of the console."""

import re

import pytest

from headway.testing import MemoryLog
from tests.unit.streamer.http.conftest import streamer


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_file_is_sent_once_and_then_revalidated(client, encoding):
    headers = {"Accept-Encoding": encoding}
    reply = await client.get("/", headers=headers)
    assert (reply.status_code, reply.headers.get("content-encoding", "identity")) == (200, encoding)
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    headers["If-None-Match"] = f"W/{reply.headers['etag']}"
    assert (await client.get("/", headers=headers)).status_code == 304
    script = re.search(r'src="(page/page\.[0-9a-f]{12}\.js)"', reply.text)[1]
    assert (await client.get(f"/{script}")).headers["content-type"].startswith("text/javascript")
    assert (await client.get("/page/absent.js")).status_code == 404


async def test_the_console_can_be_switched_off():
    async with streamer(MemoryLog(), page=False) as (_, client):
        assert (await client.get("/")).status_code == 404
