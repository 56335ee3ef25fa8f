"""Rendered pods as processes of this machine: the real programs with the rendered environment and probes.

Only what a kubelet and a cluster network would do is replaced: addresses and ports become free ones of the loopback,
mounted paths become directories, secrets are looked up in the render or among what is given with it.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.charts.helm import Objects, one
from tests.fixtures.condition import holds_blocking
from tests.fixtures.nats import BINARY, START_SECONDS
from tests.fixtures.process import start_process
from tests.fixtures.services import TERM, Service, free_port


def container_of(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    """The first container of a workload: others stand beside it."""
    return one(objects, kind, name)["spec"]["template"]["spec"]["containers"][0]


def environment_of(objects: Objects, container: dict[str, Any]) -> dict[str, str]:
    """Its variables, with those that come from secrets."""
    found = {}
    for entry in container.get("env", []):
        if "value" in entry:
            found[entry["name"]] = entry["value"]
        else:
            key = entry["valueFrom"]["secretKeyRef"]
            data = one(objects, "Secret", key["name"])["stringData"]
            if key["key"] in data or not key.get("optional"):
                found[entry["name"]] = data[key["key"]]
    return found


def mount_secrets(objects: Objects, pod: dict[str, Any], container: dict[str, Any], directory: Path) -> dict[str, Path]:
    """Write what the pod mounts of secrets below `directory`: the path in the container and the one here."""
    places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    mounted = {}
    for volume in pod["volumes"]:
        if "secret" not in volume:
            continue
        place = mounted[places[volume["name"]]] = directory / volume["name"]
        place.mkdir(parents=True, exist_ok=True)
        contents = one(objects, "Secret", volume["secret"]["secretName"])["stringData"]
        items = volume["secret"].get("items", [{"key": key, "path": key} for key in contents])
        for item in items:
            (place / item["path"]).write_text(contents[item["key"]])
    return mounted


class NatsProcess:
    """A nats-server with a configuration file, its port and monitor port."""

    def __init__(self, directory: Path, name: str = "nats") -> None:
        self.port, self.monitor = free_port(), free_port()
        self.log = directory / f"{name}.log"
        self.environment: dict[str, str] = {}
        self._config = directory / f"{name}.conf"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self, text: str) -> None:
        """Start it with that configuration. It becomes ready in its own time: see `wait_ready`."""
        assert BINARY
        self._config.write_text(text)
        with self.log.open("ab") as log:
            command = [BINARY, "--config", self._config]
            self._process = start_process(command, env=self.environment, stdout=log, stderr=log)

    def wait_ready(self) -> None:
        """Return when it answers its health check."""

        def ready() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            with suppress(urllib.error.URLError, OSError):
                self.ask("/healthz")
                return True
            return False

        assert holds_blocking(ready, START_SECONDS), self.log.read_text()

    def ask(self, path: str) -> Any:
        """What the monitor port answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}{path}", timeout=2) as reply:
            return json.load(reply)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Start it again after `kill`, with the same configuration and store."""
        self.start(self._config.read_text())

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def terminate(self) -> None:
        """SIGTERM, and wait for the end."""
        self.signal(TERM)
        assert self._process is not None
        self._process.wait(60)

    def violations(self) -> list[str]:
        """What clients tried and were not allowed to."""
        return [line for line in self.log.read_text().splitlines() if "iolation" in line]


class Nats(NatsProcess):
    """The rendered nats-server."""

    def __init__(self, objects: Objects, name: str, directory: Path) -> None:
        super().__init__(directory)
        self._name, self._directory = name, directory
        self.render(objects)
        self.restart()

    def render(self, objects: Objects) -> None:
        """Take the configuration, environment and secrets of `objects`, for the next start."""
        container = container_of(objects, "StatefulSet", self._name)
        self.environment = environment_of(objects, container)
        pod = one(objects, "StatefulSet", self._name)["spec"]["template"]["spec"]
        mounted = mount_secrets(objects, pod, container, self._directory / self._name)
        self._places = {path: str(here) for path, here in mounted.items()} | {
            "listen: 0.0.0.0:4222": f"listen: 127.0.0.1:{self.port}",
            "http: 127.0.0.1:8222": f"http: 127.0.0.1:{self.monitor}",
            "store_dir: /data": f"store_dir: {self._directory / 'data'}",
        }
        text = one(objects, "ConfigMap", self._name)["data"]["nats.conf"]
        assert all(text.count(place) == 1 for place in list(self._places)[-3:])
        self._config.write_text(self.local(text))

    def local(self, text: str) -> str:
        """With the paths and addresses of this machine in place of those of the pod."""
        for rendered, here in self._places.items():
            text = text.replace(rendered, here)
        return text


def path_of_the_image() -> dict[str, str]:
    """The environment of commands in a container: `python` is that of the image, whatever this machine calls it."""
    return {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"}


class Pod:
    """One pod of a Deployment, with its probes and its end."""

    def __init__(self, objects: Objects, name: str, nats_url: str, directory: Path, replica: int = 1) -> None:
        self._container = container_of(objects, "Deployment", name)
        self._spec = one(objects, "Deployment", name)["spec"]["template"]["spec"]
        module = f"headway_{self._container['name']}"
        rendered = environment_of(objects, self._container)
        assert rendered["HEADWAY_NATS_URL"].endswith(":4222")
        scheme = rendered["HEADWAY_NATS_URL"].partition("://")[0]
        rendered["HEADWAY_NATS_URL"] = nats_url.replace("nats://", f"{scheme}://")
        self._place = directory / f"{name}-{replica}"
        self.mounted = mount_secrets(objects, self._spec, self._container, self._place)
        for path, here in self.mounted.items():
            rendered = {name: value.replace(path, str(here)) for name, value in rendered.items()}
        if self._container["name"] == "streamer":
            rendered |= {"SELF_PORT": "{port}", "SELF_HOST": "127.0.0.1", "SELF_NAME": f"{name}-{replica}"}
        self.service = Service(f"{name}-{replica}", module, rendered, directory)

    def update_secrets(self, objects: Objects) -> None:
        """Write mounted secrets again, as a kubelet does it some time after they were changed."""
        mount_secrets(objects, self._spec, self._container, self._place)

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
            subprocess.run(hook["exec"]["command"], check=True, timeout=60, env=path_of_the_image())


def run_to_end(
    objects: Objects, directory: Path, *addresses: tuple[str, str]
) -> list[subprocess.CompletedProcess[str]]:
    """The containers of the pod of `helm test` one after the other, until one fails.

    Args:
        addresses: of the cluster, and what stands for them here.
    """
    (pod,) = (item["spec"] for item in objects if item["kind"] == "Pod")
    volumes = {volume["name"]: directory / volume["name"] for volume in pod.get("volumes", [])}
    done: list[subprocess.CompletedProcess[str]] = []
    for container in (*pod.get("initContainers", []), *pod["containers"]):
        text = json.dumps([container["command"], environment_of(objects, container)])
        for mount in container.get("volumeMounts", []):
            volumes[mount["name"]].mkdir(parents=True, exist_ok=True)
            text = text.replace(mount["mountPath"] + "/", f"{volumes[mount['name']]}/")
        for rendered, local in addresses:
            text = text.replace(rendered, local)
        command, environment = json.loads(text)
        command[0] = str(Path(sys.executable).with_name(command[0]))
        options = {"env": path_of_the_image() | environment, "capture_output": True, "text": True, "timeout": 60}
        done.append(subprocess.run(command, check=False, **options))
        if done[-1].returncode:
            break
    return done


@contextmanager
def run_pods(objects: Objects, directory: Path, streamers: int = 2):
    """NATS, a processor and streamers, all ready: (nats, processor, streamers)."""
    with ExitStack() as stack:
        nats = Nats(objects, "demo-nats", directory)
        stack.callback(nats.kill)
        nats.wait_ready()
        processor, pods = start_services(objects, nats.url, directory, stack, streamers)
        yield nats, processor, pods


def start_services(
    objects: Objects, nats_url: str, directory: Path, stack: ExitStack, streamers: int = 2
) -> tuple[Pod, list[Pod]]:
    """A processor and streamers, all ready; they end with the stack."""
    pods = [Pod(objects, "demo-processor", nats_url, directory)]
    pods += [Pod(objects, "demo-streamer", nats_url, directory, replica) for replica in range(1, streamers + 1)]
    for pod in pods:
        stack.callback(pod.service.kill)
        pod.start()
    return pods[0], pods[1:]
