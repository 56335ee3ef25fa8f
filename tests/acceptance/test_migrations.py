"""What the how-tos on migrations print: an app of Celery with celery-progress, its page in Chromium, and commands."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from headway.client import SyncClient
from tests.acceptance.test_docs import environment
from tests.fixtures.celery_workers import Shop, run_shop
from tests.fixtures.condition import holds_blocking
from tests.fixtures.pages import printed_for
from tests.fixtures.services import run_services

HERE = "tests/acceptance/test_migrations.py"
BAR = f"{HERE}::test_a_bar_of_celery_progress_streams_as_printed"
FLOWER = f"{HERE}::test_what_flower_showed_is_shown_as_printed"
SECONDS = 60.0
CONSTRUCTOR = 'Celery("shop", broker="redis://localhost")'
FILES = """
app.conf.update(
    broker_url=os.environ["SHOP_BROKER"],
    result_backend=os.environ["SHOP_BACKEND"],
    broker_transport_options={
        "data_folder_in": os.environ["SHOP_FOLDER"],
        "data_folder_out": os.environ["SHOP_FOLDER"],
        "control_folder": os.environ["SHOP_FOLDER"],
        "polling_interval": 0.05,
    },
)
"""
"""A broker of files in place of Redis."""
PAGE = """<!doctype html><div id="progress-bar"></div><div id="progress-bar-message"></div>
<script>
  const shown = [];
  new MutationObserver(() => {
    const width = document.getElementById("progress-bar").style.width;
    const text = document.getElementById("progress-bar-message").textContent;
    shown.push([width, text]);
  }).observe(document, { subtree: true, childList: true, attributes: true });
</script>
"""


class Migrated(NamedTuple):
    """The shop of the how-tos, and the streamer that shows its tasks."""

    shop: Shop
    streamer: str


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """The tasks as the one how-to prints them, connected as the other one does: later options replace earlier ones."""
    folder = tmp_path_factory.mktemp("shop")
    tasks = printed_for(BAR)[0].text
    connect = printed_for(FLOWER)[0].text
    assert CONSTRUCTOR in tasks
    (folder / "migrated_shop.py").write_text(f"import os\n{tasks}{FILES}{connect}")
    with run_services(tmp_path_factory.mktemp("services")) as running:
        streamer = running.streamer("s1")
        with run_shop(folder, HEADWAY_NATS_URL=running.nats.url) as shop:
            streamer.wait_ready()
            yield Migrated(shop, streamer.url)


@pytest.fixture(scope="module")
def call(migrated):
    return migrated.shop.caller("migrated_shop")


@pytest.fixture(scope="module")
def worker(migrated):
    return migrated.shop.worker("-P", "prefork", "-c", "1", app="migrated_shop")


@pytest.mark.needs("chromium")
async def test_a_bar_of_celery_progress_streams_as_printed(migrated, call, printed, page, request):
    """From before a worker takes the task to its end, and for one that fails."""
    library = Path(find_spec("celery_progress").origin).parent / "static" / "celery_progress" / "celery_progress.js"
    template = re.sub(r"<script src=.*?></script>", f"<script>{library.read_text()}</script>", printed[1].text)

    async def serve(route):
        task = route.request.url.rpartition("=")[2]
        html = PAGE + template.replace("{{ task_id }}", task)
        await route.fulfill(body=html, content_type="text/html")

    await page.route("**/order?*", serve)
    task = await asyncio.to_thread(call, "process.delay(40).id")
    await page.goto(f"{migrated.streamer}/order?task={task}")
    await page.wait_for_function("shown.some(([, text]) => text === 'Waiting for task to start...')", timeout=60_000)
    request.getfixturevalue("worker")  # in this thread: the process ends with the one that started it
    await page.wait_for_function("shown.some(([, text]) => text === 'Success! 40 orders')", timeout=60_000)
    shown = await page.evaluate("shown")
    widths = {float(width.removesuffix("%")) for width, _ in shown if width}
    assert len(widths) > 5
    assert max(widths) == 100.0
    assert any(re.fullmatch(r"\d+ of 40 processed. order \d+", text) for _, text in shown)

    failing = await asyncio.to_thread(call, "process.delay('many').id")
    await page.goto(f"{migrated.streamer}/order?task={failing}")
    await page.wait_for_function("shown.some(([, text]) => text.startsWith('Uh-Oh'))", timeout=60_000)


@pytest.mark.needs("curl")
def test_what_flower_showed_is_shown_as_printed(migrated, worker, call, printed):
    """Each command on a task that runs; a cancellation terminates it, as Flower's does."""
    task = call("process.delay(100_000).id")
    commands = printed[1].text.strip().splitlines()
    given = environment(HEADWAY_SERVER=migrated.streamer)

    def run(line: str) -> str:
        done = subprocess.run(
            ["sh", "-c", line.replace("ID", task)], env=given, capture_output=True, text=True, timeout=60
        )
        assert done.returncode in (0, 3), done.stderr
        return done.stdout

    with SyncClient(migrated.streamer) as client:
        assert holds_blocking(lambda: (client.task(task)["state"] or {}).get("done"), SECONDS)
        assert client.task(task)["title"] == "Process 100000 orders"
        listed, searched, watch, cancel, curl = commands
        assert task in run(listed)
        assert "Process 100000 orders" in run(searched)
        run(cancel)
        end = client.wait(task, timeout_seconds=SECONDS)
        assert (end["status"], "wrong file" in end["message"]) == ("cancelled", True)
        assert "cancelled" in run(watch)
        assert task in [one["task"] for one in json.loads(run(curl))["tasks"]]
    assert worker.poll() is None  # the worker lives on
