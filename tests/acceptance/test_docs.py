"""What the README and the pages print is done as it is printed, with other ports and folders."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.fixtures.condition import until
from tests.fixtures.pages import ROOT, printed_for
from tests.fixtures.process import start_process
from tests.fixtures.services import READY_SECONDS, free_port

BIN = Path(sys.executable).parent
ELEMENTS = "const [bar, label, output] = ['bar', 'label', 'output'].map((id) => document.getElementById(id));"
PAGE = """<progress id="bar" max="100"></progress><p id="label"></p><pre id="output"></pre>"""


def environment(**given: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY_")}
    return kept | {"PATH": f"{BIN}{os.pathsep}{kept['PATH']}"} | given


def test_a_checkout_can_be_installed_as_printed(printed):
    """What pip would install is found out, without fetching it again."""
    (block,) = printed
    assert block.commands[:2] == ["python3 -m venv .venv", ". .venv/bin/activate"]
    words = shlex.split(block.commands[2])
    assert words[:2] == ["pip", "install"]
    dry = ["--dry-run", "--no-deps", "--no-build-isolation", "--ignore-installed", "--quiet", "--report", "-"]
    report = subprocess.run(
        [sys.executable, "-m", "pip", *words[1:], *dry],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    metadata = json.loads(report.stdout)["install"][0]["metadata"]
    extra = re.fullmatch(r"\.\[(\w+)\]", words[-1])[1]
    assert (metadata["name"], extra) == ("headway", "demo")
    assert extra in metadata["provides_extra"]
    assert (BIN / "nats-server").exists()


@pytest.fixture(scope="module")
def streamer(tmp_path_factory):
    """The services as the how-to starts them, with ports and a folder of their own; the URL of the streamer."""
    (block,) = printed_for("tests/acceptance/test_docs.py::test_services_start_as_printed")
    folder, nats, port = tmp_path_factory.mktemp("services"), free_port(), free_port()
    package, module = re.search(r"HEADWAY_TASKS=(\w+)\.(\w+)", block.text).groups()
    (folder / package).mkdir()
    (folder / package / f"{module}.py").write_text((ROOT / "examples" / "tasks.py").read_text())
    ports = {
        "HEADWAY_STREAMER_PORT": str(port),
        "HEADWAY_STREAMER_OPS_PORT": str(free_port()),
        "HEADWAY_PROCESSOR_OPS_PORT": str(free_port()),
        "HEADWAY_STREAMER_DRAIN_SECONDS": "0.1",
        "HEADWAY_PROCESSOR_BUILTIN_KINDS": "crawl",  # which a page starts
    }
    with ExitStack() as stack:
        for command in block.commands:
            command = command.replace("/var/lib/nats", str(folder)).replace("4222", str(nats))
            command += f" -a 127.0.0.1 -p {nats}" if command.startswith("nats-server") else ""
            words = ["sh", "-c", f"exec env {command}"]
            process = start_process(words, cwd=folder, env=environment(**ports), stderr=subprocess.DEVNULL)
            stack.callback(process.wait, 30)
            stack.callback(process.send_signal, signal.SIGTERM)
        yield f"http://127.0.0.1:{port}"


async def test_services_start_as_printed(printed, streamer, http):
    """And offer the tasks of the module that they name."""
    assert len(printed) == 1

    async def offered():
        with suppress(httpx.HTTPError, KeyError):
            kinds = {kind["kind"] for kind in (await http.get(f"{streamer}/api/v1/kinds")).json()["kinds"]}
            return kinds >= {"crawl", "boil", "story"}

    await until(offered, READY_SECONDS)


async def test_scripts_for_a_page_work_as_printed(printed, streamer, http, page):
    """In a browser, on a page of the streamer's origin. The crawl is refused there: its address is not public."""
    reply = await http.post(f"{streamer}/api/v1/tasks", json={"kind": "boil", "params": {"seconds": 1}})
    await page.route("**/blank", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    await page.goto(f"{streamer}/blank")
    shown = []
    for block in printed:
        await page.set_content(PAGE)
        code = block.text.replace("https://example.org", streamer)
        await page.evaluate(f"async (id) => {{ {ELEMENTS} {code}\nwindow.source = source; }}", reply.json()["task"])
        await page.wait_for_function("source.readyState === EventSource.CLOSED")
        shown.append(await page.evaluate("[bar.value, label.textContent]"))
    readme, how_to = shown
    assert readme == [100, ""]
    assert "does not have a public address" in how_to[1]
