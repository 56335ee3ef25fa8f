"""Takes the pictures of the page in docs/img with Chromium, on services that it starts. `make pictures` runs it."""

from __future__ import annotations

import asyncio
import base64
import importlib
import inspect
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nats import connect
from playwright.async_api import Locator, Page, async_playwright, expect

from headway import __version__, codec
from headway.cli.commands.demo import airports_csv
from headway.cli.local.demo_site import private_host, pydoc_site
from headway.client import Client
from headway.records import ProcessorRecord
from tests.acceptance.conftest import CHROMIUM_OPTIONS
from tests.fixtures import needs
from tests.fixtures.celery_workers import run_shop
from tests.fixtures.model_server import MODEL, run_model_server, story
from tests.fixtures.process import start_process
from tests.fixtures.services import Services, run_services

IMG = Path(__file__).parent / "img"
SECONDS = 60
WIDTH = 1280
SCALE = 1.5
QUALITY = 80
"""Of the compression, in percent."""
NIGHTLY = """
import headway, time
with headway.report("import", title="Import of the night", tags=["nightly"], task="night") as job:
    for row in job.track(range(2000), unit="rows"):
        time.sleep(0.005)
"""
TRAINING = """
import headway, headway.tqdm, time
from tqdm import tqdm, trange
headway.tqdm.connect()
with headway.report("train", title="Train the model", task="training"):
    for epoch in trange(3, desc="Training", unit="epoch"):
        batches = tqdm(range(200), desc=f"Epoch {epoch}", unit="batch", leave=False)
        for batch in batches:
            time.sleep(0.02)
            batches.set_postfix(loss=1 / (1 + batch))
"""
DOCUMENTED = (
    "asyncio",
    "email.message",
    "logging",
    "math",
    "os",
    "socket",
    "shutil",
    "statistics",
    "sqlite3",
    "unittest",
    "zipfile",
)
SHORT_TEXT = 40
TOKEN_SECONDS = 0.1
"""Between two pieces of an answer."""
STEPS = {"steps": [{"name": "Reading", "seconds": 0.2, "ticks": 2}]}
FAILING = {"steps": [{"name": "Reading", "seconds": 0, "fail": {"message": "no such file", "retryable": False}}]}


class Camera:
    """A page of Chromium that shows one streamer."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url

    async def open(self, address: str) -> Locator:
        """Show an address; returns what is shown of its task."""
        await self.page.goto(f"{self._url}/{address}")
        return self.page.locator("#main")

    async def take(self, name: str, height: int) -> None:
        """Write what is shown from the top of the window on, of that height, to `docs/img/<name>.webp`."""
        clip = {"x": 0, "y": await self.page.evaluate("scrollY"), "width": WIDTH, "height": height, "scale": SCALE}
        devtools = await self.page.context.new_cdp_session(self.page)
        options = {"format": "webp", "quality": QUALITY, "clip": clip}
        shot = await devtools.send("Page.captureScreenshot", options)
        file = IMG / f"{name}.webp"
        file.write_bytes(base64.b64decode(shot["data"]))
        print(f"{file.name}: {file.stat().st_size:,} bytes")  # noqa: T201 - a command


async def take_all(services: Services, url: str, site: str) -> None:
    """Submit tasks, and take a picture of each of them when it shows what the picture is for."""
    async with Client(url) as client, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=needs.THERE["chromium"](), args=CHROMIUM_OPTIONS)
        page = await browser.new_page(viewport={"width": WIDTH, "height": 860}, reduced_motion="reduce")
        expect.set_options(timeout=SECONDS * 1000)
        for day in ("Monday", "Tuesday", "Wednesday"):
            params = FAILING if day == "Tuesday" else STEPS
            await client.submit("script", params, title=f"Invoices of {day}", tags=["invoices", "eu"])
        camera = Camera(page, url)
        await picture_of_a_crawl(camera, client, site)
        await picture_of_filters(camera)
        await picture_of_a_table(camera, client)
        await picture_of_clusters(camera, client)
        await picture_of_an_answer(camera, client)
        await picture_of_processors(camera, services)
        await pictures_of_a_report(camera, services)
        await pictures_of_celery(camera, services)
        await picture_of_bars(camera, services)
        await browser.close()


async def picture_of_a_crawl(camera: Camera, client: Client, site: str) -> None:
    params = {"url": site, "max_pages": 300}
    crawl = await client.submit("crawl", params, title="Python's documentation", tags=["weekly"])
    main = await camera.open(f"#{crawl['task']}")
    await expect(main.get_by_role("progressbar")).to_have_attribute("aria-valuenow", _between(20, 90))
    await camera.take("page", 860)


async def picture_of_a_table(camera: Camera, client: Client) -> None:
    params = {"source": airports_csv().name}
    bulk = await client.submit("bulk", params, title="Airports of the world", tags=["weekly"])
    main = await camera.open(f"#{bulk['task']}")
    await expect(main.get_by_text("Completed").first).to_be_visible()
    await expect(main.get_by_role("heading", name="Result")).to_be_visible()
    await camera.take("bulk", 860)


async def picture_of_an_answer(camera: Camera, client: Client) -> None:
    params = {"prompt": "Which river is longer, the Rhine or the Danube?"}
    answer = await client.submit("generate", params, title="Two rivers")
    main = await camera.open(f"#{answer['task']}")
    await expect(main.get_by_role("log", name="Output")).to_contain_text("ten countries")
    await camera.take("generate", 820)


async def picture_of_filters(camera: Camera) -> None:
    await camera.open("?tag=invoices&status=error#new")
    await expect(camera.page.locator("#list a.row")).to_have_count(1)
    await camera.take("filters", 700)


async def picture_of_clusters(camera: Camera, client: Client) -> None:
    """Of what the classes and functions of some modules of Python say of themselves."""
    modules = map(importlib.import_module, DOCUMENTED)
    found = (inspect.getdoc(one) for module in modules for one in vars(module).values() if callable(one))
    texts = list(dict.fromkeys(text[:600] for text in found if text and len(text) > SHORT_TEXT))
    task = await client.submit("cluster", {"texts": texts, "k": 6}, title="What Python's modules do")
    main = await camera.open(f"#{task['task']}")
    await expect(main.get_by_role("img", name="Clusters of texts")).to_be_visible()
    await main.get_by_role("heading", name="Result").evaluate("heading => heading.scrollIntoView()")
    await camera.take("clusters", 860)


async def picture_of_processors(camera: Camera, services: Services) -> None:
    """Of a fleet in the middle of a rollout: its leases are written here, in place of this machine's."""
    nats = await connect(services.nats.url)
    bucket = await nats.jetstream().key_value("hw_processors")
    for key in await bucket.keys():
        await bucket.delete(key)
    now = time.time()
    for name, version, age, running in (
        ("processor-6d8f4c-2xkqw", "0.0.9", 520_000, 61),
        ("processor-7b9c5d-8hzrn", __version__, 240, 100),
        ("processor-7b9c5d-tq4vm", __version__, 90, 38),
    ):
        kinds = ["bulk", "crawl", "invoices"]
        lease = ProcessorRecord(
            kinds=kinds, name=name, version=version, since=now - age, slots=100, running=running, renewed=now
        )
        await bucket.put(name, codec.encode_json(lease))
    await nats.close()
    main = await camera.open("#/processors")
    await expect(main.get_by_text("differs from").first).to_be_visible()
    await camera.take("processors", 640)


async def pictures_of_a_report(camera: Camera, services: Services) -> None:
    environment = os.environ | {"HEADWAY_NATS_URL": services.nats.url, "HEADWAY_REPORT_RENEW_SECONDS": "0.5"}
    script = start_process([sys.executable, "-c", NIGHTLY], env=environment)
    main = await camera.open("#night")
    await expect(main.get_by_role("progressbar")).to_have_attribute("aria-valuenow", _between(20, 90))
    script.kill()
    await expect(main.get_by_text("Stalled")).to_be_visible()
    await camera.take("report-stalled", 620)
    await expect(main.get_by_text("Lost", exact=True)).to_be_visible()
    await camera.take("report-lost", 620)


async def picture_of_bars(camera: Camera, services: Services) -> None:
    environment = os.environ | {"HEADWAY_NATS_URL": services.nats.url, "HEADWAY_REPORT_RENEW_SECONDS": "0.5"}
    script = start_process([sys.executable, "-c", TRAINING], env=environment, stderr=subprocess.DEVNULL)
    main = await camera.open("#training")
    await expect(main.get_by_role("progressbar").first).to_have_attribute("aria-valuenow", _between(50, 65))
    await camera.take("tqdm", 620)
    script.kill()


async def pictures_of_celery(camera: Camera, services: Services) -> None:
    reports = {"HEADWAY_NATS_URL": services.nats.url, "HEADWAY_REPORT_RENEW_SECONDS": "0.5"}
    folder = services.directory / "shop"
    folder.mkdir()
    with run_shop(folder, **reports) as shop:
        worker = shop.worker("-P", "solo")
        task = shop.caller()("load.delay('photos.csv', 'door').id")
        main = await camera.open(f"#{task}")
        (folder / "door").touch()
        await expect(main.get_by_text("CRUNCHING").first).to_be_visible()
        await camera.take("celery-task", 620)
        worker.kill()
        await expect(main.get_by_text("Lost", exact=True)).to_be_visible()
        await camera.take("celery-lost", 620)


def _between(low: int, high: int) -> Any:
    return re.compile(f"^({'|'.join(str(value) for value in range(low, high))})$")


async def main() -> None:
    """Start a site to crawl, and the services."""
    with tempfile.TemporaryDirectory() as folder:
        async with pydoc_site(Path(folder)) as site:
            await asyncio.to_thread(_with_services, Path(folder), site)


def _with_services(folder: Path, site: str) -> None:
    with run_model_server() as models, run_services(folder) as services:
        models.default = story(TOKEN_SECONDS)
        kinds = {"BUILTIN_KINDS": "crawl,bulk,cluster,generate", "CRAWL_ALLOW": private_host(site)}
        sources = {"DATA_DIR": str(airports_csv().parent), "GENERATE_BASE_URL": models.url, "GENERATE_MODELS": MODEL}
        started = (
            services.streamer("streamer-1", STALLED_SECONDS="2"),
            services.processor("processor-1", REPORTER_LOST_SECONDS="8", **kinds, **sources),
        )
        for service in started:
            service.wait_ready()
        asyncio.run(take_all(services, started[0].url, site))


if __name__ == "__main__":
    asyncio.run(main())
