"""Images, built by buildah from the real Dockerfiles, and containers of them, run by runc as a cluster would run them.

The base is made here, of this machine's Python and the libraries that it loads: no registry of images is asked. What
the Dockerfiles install comes from PyPI, as it always does.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.charts.helm import CHARTS
from tests.fixtures.condition import holds_blocking
from tests.fixtures.needs import WHEELS
from tests.fixtures.process import start_process

ROOT = CHARTS.parent
BASE = "localhost/headway-base:test"
STDLIB = Path(sysconfig.get_path("stdlib"))
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
UNUSED = ("test", "idlelib", "turtledemo", "__pycache__", "site-packages", "dist-packages", "config-*")
PROMISED = (
    "libpthread.so.0", "libdl.so.2", "librt.so.1", "libm.so.6", "libutil.so.1", "libresolv.so.2",
    "libnss_dns.so.2", "libnss_files.so.2", "libgcc_s.so.1", "libstdc++.so.6",
)  # fmt: skip
"""What wheels for Linux may load besides, by PEP 600."""
READY_SECONDS, BUILD_SECONDS = 30.0, 300.0


def copied(dockerfile: str) -> list[str]:
    """What a Dockerfile takes from its context."""
    lines = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", dockerfile, re.MULTILINE)
    return " ".join(lines).split()


def make_root(root: Path) -> None:
    """A root file system in which `python` runs, and nothing else."""
    local = root / "usr" / "local"
    shutil.copytree(STDLIB, local / "lib" / STDLIB.name, ignore=shutil.ignore_patterns(*UNUSED), symlinks=True)
    if not WHEELS.is_relative_to(STDLIB):
        shutil.copytree(WHEELS, root / WHEELS.relative_to("/"))
    (local / "bin").mkdir()
    python = Path(sys.executable).resolve()
    for name in ("python", "python3", f"python{sys.version_info.major}.{sys.version_info.minor}"):
        shutil.copy2(python, local / "bin" / name)
    for library in libraries([python, *(STDLIB / "lib-dynload").glob("*.so")]):
        target = root / library.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, target)
    for name, text in {
        "etc/passwd": "root:x:0:0:root:/:/none\n",
        "etc/pip.conf": f"[global]\ncert = {CERTIFICATES}\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    if CERTIFICATES.exists():
        (root / CERTIFICATES.relative_to("/")).parent.mkdir(parents=True)
        shutil.copy2(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)


def libraries(binaries: list[Path]) -> set[Path]:
    """The shared libraries that they load, and those that wheels may, by the paths at which they are looked for."""
    said = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=True).stdout
    found = {Path(path) for path in re.findall(r"(?:=> |^\t)(/\S+) \(0x", said, re.MULTILINE)}
    beside = next(path.parent for path in found if path.name == "libc.so.6")
    return found | {beside / name for name in PROMISED if (beside / name).exists()}


class Builder:
    """buildah with a store of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._buildah = ["buildah", "--root", str(directory / "store"), "--runroot", str(directory / "run")]

    def make_base(self) -> None:
        """The image that stands for Debian's Python."""
        root = self.directory / "root"
        make_root(root)
        container = self.run("from", "scratch")
        self.run("copy", container, str(root), "/")
        self.run("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
        self.run("commit", "--format", "docker", "--rm", container, BASE)
        shutil.rmtree(root)

    def build(self, dockerfile: Path, context: Path, name: str, *options: str) -> float:
        """Build an image; how many seconds it took. What an earlier build has made is taken from it."""
        began = time.monotonic()
        self.run(
            "build", "--layers", "--pull-never", "--isolation", "oci", "--runtime", "runc", "--format", "docker",
            "--network", "host", "--build-arg", f"BASE={BASE}", *options, "--file", str(dockerfile), "--tag", name,
            str(context),
        )  # fmt: skip
        return time.monotonic() - began

    def config(self, name: str) -> dict[str, Any]:
        """The configuration of the image: User, Entrypoint, Env, Labels and so on."""
        return self._inspect(name)["config"]

    def layers(self, name: str) -> list[str]:
        """The digests of its layers."""
        return self._inspect(name)["rootfs"]["diff_ids"]

    def _inspect(self, name: str) -> dict[str, Any]:
        return json.loads(self.run("inspect", "--type", "image", name))["Docker"]

    @contextmanager
    def mounted(self, name: str):
        """The path of a root file system of the image."""
        container = self.run("from", "--pull-never", name)
        try:
            yield self.run("mount", container)
        finally:
            self.run("umount", container)
            self.run("rm", container)

    def run(self, *arguments: str) -> str:
        done = subprocess.run([*self._buildah, *arguments], capture_output=True, text=True, timeout=BUILD_SECONDS)
        assert done.returncode == 0, f"buildah {arguments[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()


class Container:
    """A container as the charts describe it: read-only root, a number for a user, no capability, /tmp to write to."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self._bundle = directory / name
        self._runc = ["runc", "--root", str(directory / "runc")]
        self._process: subprocess.Popen[bytes] | None = None
        self.log = directory / f"{name}.log"

    def start(self, root: str, image: dict[str, Any], environment: dict[str, str], *, read_only: bool = True) -> None:
        self._bundle.mkdir()
        subprocess.run(["runc", "spec"], cwd=self._bundle, check=True)
        file = self._bundle / "config.json"
        config = json.loads(file.read_text())
        user, group = map(int, image["User"].split(":"))
        config["root"] = {"path": root, "readonly": read_only}
        config["process"] |= {
            "terminal": False,
            "user": {"uid": user, "gid": group},
            "args": image["Entrypoint"],
            "env": image["Env"] + [f"{name}={value}" for name, value in environment.items()],
            "cwd": image["WorkingDir"],
            "capabilities": {},
            "noNewPrivileges": True,
        }
        config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmp", "options": ["mode=1777"]})
        # NATS is on this machine's loopback.
        config["linux"]["namespaces"] = [one for one in config["linux"]["namespaces"] if one["type"] != "network"]
        file.write_text(json.dumps(config))
        with self.log.open("wb") as log:
            self._process = start_process(
                [*self._runc, "run", "--bundle", str(self._bundle), self.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def wait_ready(self, port: int) -> None:
        """Return when it answers its readiness probe."""

        def ready() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            with suppress(urllib.error.URLError, OSError):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as reply:
                    return reply.status == 200
            return False

        assert holds_blocking(ready, READY_SECONDS), self.log.read_text()

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run a line of Python in it."""
        command = [*self._runc, "exec", self.name, "python", "-c", code]
        return subprocess.run(command, capture_output=True, text=True, timeout=30)

    def end(self, seconds: float) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            subprocess.run([*self._runc, "kill", self.name, "KILL"], capture_output=True)
            self._process.wait(10)
