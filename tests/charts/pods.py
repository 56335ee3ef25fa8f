"""Rendered pods as processes of this machine: the real programs with the rendered environment and probes.

Only what a kubelet and a cluster network would do is replaced: addresses and ports become free ones of the loopback,
mounted paths become directories, secrets are looked up in the render.
"""

import asyncio
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.charts.helm import Objects, one
from tests.fixtures.nats import BINARY, START_SECONDS
from tests.fixtures.suite import TERM, Service, free_port


def container_of(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    """The only container of a workload."""
    (container,) = one(objects, kind, name)["spec"]["template"]["spec"]["containers"]
    return container


def environment_of(objects: Objects, container: dict[str, Any]) -> dict[str, str]:
    """Its variables, with those that come from secrets."""
    found = {}
    for entry in container["env"]:
        if "value" in entry:
            found[entry["name"]] = entry["value"]
        else:
            key = entry["valueFrom"]["secretKeyRef"]
            found[entry["name"]] = one(objects, "Secret", key["name"])["stringData"][key["key"]]
    return found


class Nats:
    """The rendered nats-server."""

    def __init__(self, objects: Objects, name: str, directory: Path) -> None:
        self.port, self.monitor = free_port(), free_port()
        self.log = directory / "nats.log"
        self.environment = environment_of(objects, container_of(objects, "StatefulSet", name))
        text = one(objects, "ConfigMap", name)["data"]["nats.conf"]
        for rendered, local in (
            ("listen: 0.0.0.0:4222", f"listen: 127.0.0.1:{self.port}"),
            ("http: 0.0.0.0:8222", f"http: 127.0.0.1:{self.monitor}"),
            ("/tmp/nats.pid", str(directory / "nats.pid")),
            ("store_dir: /data", f"store_dir: {directory / 'data'}"),
        ):
            assert text.count(rendered) == 1, rendered
            text = text.replace(rendered, local)
        self._config = directory / "nats.conf"
        self._config.write_text(text)

    def start(self) -> subprocess.Popen[bytes]:
        assert BINARY
        with self.log.open("ab") as log:
            process = subprocess.Popen([BINARY, "--config", self._config], env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}/healthz", timeout=1):
                    return process
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def violations(self) -> list[str]:
        """What clients tried and were not allowed to."""
        return [line for line in self.log.read_text().splitlines() if "iolation" in line]


class Pod:
    """One pod of a Deployment, with its probes and its end."""

    def __init__(self, objects: Objects, name: str, nats: Nats, directory: Path, replica: int = 1) -> None:
        self._container = container_of(objects, "Deployment", name)
        self._spec = one(objects, "Deployment", name)["spec"]["template"]["spec"]
        module = f"headway_{self._container['name']}"
        rendered = environment_of(objects, self._container)
        assert rendered["HEADWAY_NATS_URL"].endswith(":4222")
        rendered["HEADWAY_NATS_URL"] = f"nats://127.0.0.1:{nats.port}"
        if self._container["name"] == "streamer":
            rendered |= {"SELF_PORT": "{port}", "SELF_HOST": "127.0.0.1", "SELF_NAME": f"{name}-{replica}"}
        self.service = Service(f"{name}-{replica}", module, rendered, directory)

    def start(self) -> None:
        """Return when its own startup and readiness probes say so."""
        self.service.start()
        self.service.wait_ready()
        assert all(self.probe(name) == 200 for name in ("startupProbe", "livenessProbe", "readinessProbe"))

    def probe(self, name: str) -> int:
        """What the rendered probe is answered now."""
        asked = self._container[name]["httpGet"]
        assert asked["port"] == "ops"
        try:
            url = f"http://127.0.0.1:{self.service.ops_port}{asked['path']}"
            with urllib.request.urlopen(url, timeout=self._container[name].get("timeoutSeconds", 1)) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code

    async def end(self) -> tuple[int, float]:
        """preStop, then SIGTERM, as a kubelet does it. Its exit code, and how long it took."""
        began = time.monotonic()
        await asyncio.to_thread(self._pre_stop)
        self.service.signal(TERM)
        left = self._spec["terminationGracePeriodSeconds"] - (time.monotonic() - began)
        code = await asyncio.to_thread(self.service.wait, left)  # TimeoutExpired: a kubelet would kill it
        return code, time.monotonic() - began

    def _pre_stop(self) -> None:
        if hook := self._container.get("lifecycle", {}).get("preStop"):
            subprocess.run(hook["exec"]["command"], check=True, timeout=60)


@contextmanager
def run_pods(objects: Objects, directory: Path, streamers: int = 2):
    """NATS, a processor and streamers, all ready: (nats, processor, streamers)."""
    with ExitStack() as stack:
        nats = Nats(objects, "demo-nats", directory)
        server = nats.start()
        stack.callback(server.wait)
        stack.callback(server.kill)
        pods = [Pod(objects, "demo-processor", nats, directory)]
        pods += [Pod(objects, "demo-streamer", nats, directory, replica) for replica in range(1, streamers + 1)]
        for pod in pods:
            stack.callback(pod.service.kill)
            pod.start()
        yield nats, pods[0], pods[1:]
