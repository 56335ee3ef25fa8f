"""The README's own task works as it is printed."""

import re
from pathlib import Path

from tests.fixtures.sse import Reader

README = Path(__file__).parent.parent.parent / "README.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def test_your_own_task_takes_less_than_twenty_lines():
    (code,) = blocks("python")
    assert len(code.rstrip().split("\n")) < 20


async def test_your_own_task_runs_as_printed(suite, http):
    (code,) = blocks("python")
    (suite.directory / "mytasks.py").write_text(code)
    processor, streamer = suite.processor("p1", tasks="mytasks"), suite.streamer("s1")
    processor.wait_ready()
    streamer.wait_ready()
    kinds = {k["kind"]: k for k in (await http.get(f"{streamer.url}/api/v1/kinds")).json()["kinds"]}
    assert kinds["boil"]["description"] == "Boils an egg."
    reply = await http.post(f"{streamer.url}/api/v1/tasks", json={"kind": "boil", "params": {"seconds": 2}})
    reader = Reader(http)
    await reader.read(f"{streamer.url}/api/v1/tasks/{reply.json()['task']}/stream?merge=0")
    last = reader.log[-1]
    assert (last["status"], last["progress"], last["data"]) == ("completed", 100, "soft")
    assert (last["done"], last["total"], last["unit"]) == (2, 2, "s")


def test_the_two_commands_are_doors_of_the_makefile():
    makefile = (README.parent / "Makefile").read_text()
    for command in re.findall(r"^make (\w+)", "\n".join(blocks("")), re.MULTILINE):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command
