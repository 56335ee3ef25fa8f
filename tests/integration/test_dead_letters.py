"""Dead letters on a real NATS: stored by a processor's part, handled by the commands over HTTP."""

import asyncio
import re

import msgspec

from headway import codec
from headway.records import JobMessage, KindRecord
from headway_processor.jobs.dead_letters import JetStreamDeadLetters
from tests.fixtures.http import run_streamer
from tests.fixtures.scripted_server import headway


async def test_a_job_that_was_given_up_is_handled_by_the_documented_commands(
    nats_server, connection, names, monkeypatch, printed
):
    (block,) = printed
    kinds = await connection.client.jetstream().key_value(names.kinds_bucket)
    await kinds.put("k", msgspec.json.encode(KindRecord(kind="k", params={"type": "object"})))
    job = JobMessage(task="t1", kind="k", params=codec.raw(b'{"url":"http://x/"}'))
    letters = JetStreamDeadLetters(connection.client, names)
    await letters.add("k", "t1", codec.encode_json(job), "Lost: given up", "1")
    await letters.add("k", "no.name", b"{", "not a job", "2")
    async with run_streamer(nats_server.url, names.namespace) as streamer:
        monkeypatch.setenv("HEADWAY_SERVER", streamer.url)
        outputs = []
        for line in block.text.strip().splitlines():
            result = await asyncio.to_thread(headway, *line.split()[1:])
            assert result.exit_code == 0, result.output
            outputs.append(result.stdout)
        listed, shown, first, edited, dropped = outputs
        assert [re.split(r"\s+", line.strip())[:3] for line in listed.splitlines()[-2:]] == [
            ["1", "k", "t1"],
            ["2", "k", "none"],
        ]
        assert '"url":"http://x/"' in shown.replace(" ", "")
        assert dropped == "1  dropped\n"
        tasks = [output.split()[0] for output in (first, edited)]
        params = [(await streamer.http.get(f"/api/v1/tasks/{task}")).json() for task in tasks]
        assert [(task["retry_of"], task["params"]["url"]) for task in params] == [
            ("t1", "http://x/"),
            ("t1", "https://example.org/"),
        ]
        again = await asyncio.to_thread(headway, "dead-letters", "resubmit", "1")
        assert (again.exit_code, "There is no such dead letter" in again.stderr) == (1, True)
        refused = await asyncio.to_thread(headway, "dead-letters", "resubmit", "2")
        assert (refused.exit_code, "not a job" in refused.stderr) == (1, True)
