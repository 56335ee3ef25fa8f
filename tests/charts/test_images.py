"""The Dockerfiles, built and run."""

import time
from contextlib import ExitStack, suppress

import httpx
import pytest

from tests.charts.helm import render, values
from tests.charts.images import ROOT, Builder, Container
from tests.fixtures.condition import holds_blocking
from tests.fixtures.nats import run_nats
from tests.fixtures.services import free_port
from tests.fixtures.sse import Reader

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("buildah", "runc", "root", "a Python with ensurepip"),
    pytest.mark.timeout(600),
]
NAME = "ghcr.io/headway-live/headway-{}:0.1.0"
EDIT_SECONDS = 20
EDIT = """
from pathlib import Path
file = Path("/src/services/streamer/headway_streamer/http/ops.py")
before = file.read_text()
after = before.replace("There are ", "edited: ")
assert after != before, "the answer of the ops port has other words now"
file.write_text(after)
"""
WRITES = "open('/opt/headway/x', 'w')"


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    """buildah, with both images built."""
    found = Builder(tmp_path_factory.mktemp("images"))
    found.make_base()
    found.seconds = {
        service: found.build(ROOT / "services" / service / "Dockerfile", ROOT, NAME.format(service))
        for service in ("processor", "streamer")
    }
    return found


@pytest.fixture
def containers(builder, tmp_path):
    """Starts containers of images; ends them with the test."""
    with ExitStack() as stack:

        def start(name, image, environment, ops_port, **options):
            container = Container(name, tmp_path)
            container.root = stack.enter_context(builder.mounted(image))
            stack.callback(container.kill)
            container.start(container.root, builder.config(image), environment, **options)
            container.wait_ready(ops_port)
            return container

        yield start


@pytest.fixture
def nats(tmp_path):
    (tmp_path / "nats").mkdir()
    with run_nats(tmp_path / "nats") as server:
        yield server


async def run_task(port, kind, params):
    """Submit a task and read its stream to the end: its last event."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        reply = await http.post("/api/v1/tasks", json={"kind": kind, "params": params})
        assert reply.status_code == 202, reply.text
        reader = Reader(http)
        await reader.read(f"/api/v1/tasks/{reply.json()['task']}/stream")
        return reader.log[-1]


def test_the_images_are_those_of_the_charts_and_share_their_base(builder, rung):
    rendered = {
        item["spec"]["template"]["spec"]["containers"][0]["image"]
        for item in render(given=values("default"))
        if item["kind"] == "Deployment"
    }
    assert rendered == {NAME.format("processor"), NAME.format("streamer")}
    for service in ("processor", "streamer"):
        config = builder.config(NAME.format(service))
        assert config["User"] == "65532:65532"
        assert config["Entrypoint"] == [f"headway-{service}"]
        assert config["Labels"]["org.opencontainers.image.title"] == f"headway-{service}"
    one, two = (builder.layers(NAME.format(service)) for service in ("processor", "streamer"))
    assert one[0] == two[0]
    rung("images: built by buildah", **{service: f"{took:.0f} s" for service, took in builder.seconds.items()})


@pytest.mark.security
async def test_both_containers_serve_the_main_job_read_only_and_without_root(containers, nats, rung):
    port, ops, other = free_port(), free_port(), free_port()
    shared = {"HEADWAY_NATS_URL": nats.url}
    processor = containers(
        "processor",
        NAME.format("processor"),
        shared | {"HEADWAY_TASKS": "headway_kinds.script", "HEADWAY_PROCESSOR_OPS_PORT": str(other)},
        other,
    )
    streamer = containers(
        "streamer",
        NAME.format("streamer"),
        shared
        | {
            "HEADWAY_STREAMER_PORT": str(port),
            "HEADWAY_STREAMER_ALLOW_ANONYMOUS": "true",
            "HEADWAY_STREAMER_OPS_PORT": str(ops),
            "HEADWAY_STREAMER_DRAIN_SECONDS": "1",
        },
        ops,
    )
    end = await run_task(port, "script", {"steps": [{"name": "short", "seconds": 0.2, "ticks": 5}]})
    assert end["status"] == "completed"
    for container in (processor, streamer):
        assert container.python("import os; print(os.getuid(), os.getgid())").stdout.split() == ["65532", "65532"]
        refused = container.python(WRITES)
        assert refused.returncode != 0
        assert "Read-only file system" in refused.stderr or "Permission denied" in refused.stderr
        assert container.python("open('/tmp/x', 'w')").returncode == 0
        assert container.python("open('/x', 'w')").stderr.count("Read-only file system") == 1
    codes = [streamer.end(40), processor.end(40)]
    assert codes == [0, 0]
    for container in (processor, streamer):
        assert "Traceback" not in container.log.read_text()
    rung("images: run by runc, read-only, as 65532", containers=2, readyz=200, tasks=1, exit_codes=codes)


async def test_an_image_with_tasks_of_ones_own_takes_three_lines(builder, containers, nats, rung):
    dockerfile = ROOT / "examples" / "image" / "Dockerfile"
    lines = [line for line in dockerfile.read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) == 3
    builder.build(dockerfile, dockerfile.parent, "localhost/my-processor:test")
    port, ops, other = free_port(), free_port(), free_port()
    shared = {"HEADWAY_NATS_URL": nats.url}
    containers("mine", "localhost/my-processor:test", shared | {"HEADWAY_PROCESSOR_OPS_PORT": str(other)}, other)
    containers(
        "streamer2",
        NAME.format("streamer"),
        shared
        | {
            "HEADWAY_STREAMER_PORT": str(port),
            "HEADWAY_STREAMER_ALLOW_ANONYMOUS": "true",
            "HEADWAY_STREAMER_OPS_PORT": str(ops),
        },
        ops,
    )
    end = await run_task(port, "pack", {"items": 4})
    assert (end["status"], end["data"]) == ("completed", {"packed": 4})
    rung("images: a package of tasks in three lines", tasks=1)


def answer(ops_port):
    """What the ops port says of a path that it does not know; nothing while nobody listens."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{ops_port}/").text
    return ""


def test_a_changed_source_runs_in_the_container_of_tilt_within_seconds(builder, containers, nats, rung):
    builder.build(ROOT / "services" / "streamer" / "Dockerfile", ROOT, "localhost/dev:test", "--target", "dev")
    port, ops, other = free_port(), free_port(), free_port()
    environment = {
        "HEADWAY_NATS_URL": nats.url,
        "HEADWAY_STREAMER_PORT": str(port),
        "HEADWAY_STREAMER_ALLOW_ANONYMOUS": "true",
        "HEADWAY_STREAMER_OPS_PORT": str(ops),
        "HEADWAY_STREAMER_DRAIN_SECONDS": "1",
    }
    kinds = {"HEADWAY_PROCESSOR_BUILTIN_KINDS": "check", "HEADWAY_PROCESSOR_OPS_PORT": str(other)}
    # It makes the streams, without which no streamer is ready.
    containers("maker", NAME.format("processor"), {"HEADWAY_NATS_URL": nats.url} | kinds, other)
    dev = containers("dev", "localhost/dev:test", environment, ops, read_only=False)
    began = time.monotonic()
    assert dev.python(EDIT).returncode == 0  # as Tilt does it: in the container, as its user
    assert holds_blocking(lambda: "edited" in answer(ops), EDIT_SECONDS), dev.log.read_text()
    dev.wait_ready(ops)
    rung("images: edit to running in the container of Tilt", seconds=f"{time.monotonic() - began:.1f}")
