"""Everything on one machine: nats-server, a processor, streamers; started, watched, stopped in order."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import httpx
import msgspec

from headway.cli.local.log_line import read
from headway.cli.local.ports import HOST, free_ports
from headway.cli.local.process import Child, Spec
from headway.errors import HeadwayError
from headway.service.extras import install

GRACE_SECONDS = 8.0
READY_SECONDS = 40.0

SCRIPT = "headway_kinds.script"
"""For trying things out: not among the kinds that a processor offers unless told."""
NEEDED = ("litestar", "uvicorn", "jsonschema", "prometheus_client", "protego")
"""What the services import, from the extras `streamer` and `processor`."""

OnLine = Callable[[Child, str], None]
OnDeath = Callable[[Child, int, float], None]


class SuiteError(HeadwayError):
    """A part could not be started; the message has its last lines."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to start."""

    folder: Path
    """Where nats-server stores."""
    ports: tuple[int, ...]
    """One streamer on each."""
    nats_url: str = ""
    """A NATS that runs already; empty to start one on `nats_port`."""
    nats_port: int = 0
    tasks: tuple[str, ...] = ()
    """Modules with @task functions."""
    settings: Mapping[str, str] = {}
    """More variables for the services."""

    @property
    def url(self) -> str:
        """Of the first streamer."""
        return f"http://{HOST}:{self.ports[0]}"


def nats_server() -> str:
    """The path of nats-server: the one installed beside Python wins. Raises SuiteError."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("nats-server", path=beside) or shutil.which("nats-server")
    if found is None:
        raise SuiteError(f"nats-server is not installed. Run: {install('demo')}, or name one with --nats URL.")
    return found


def check_installed() -> None:
    """Raises ModuleNotFoundError when the services lack what they need: here it is one line, there two tracebacks."""
    for name in NEEDED:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def specs(plan: Plan, environ: Mapping[str, str]) -> list[Spec]:
    """The parts in the order in which they are started. Raises SuiteError, ModuleNotFoundError."""
    check_installed()
    ops = free_ports(1 + len(plan.ports))
    nats_url = plan.nats_url or f"nats://{HOST}:{plan.nats_port}"
    # Short ends by default: whoever develops waits for them. What the user has set wins.
    shared = {
        "HEADWAY_PROCESSOR_GRACE_SECONDS": "3",
        "HEADWAY_STREAMER_DRAIN_SECONDS": "1",
        **environ,
        "HEADWAY_NATS_URL": nats_url,
        "PYTHONUNBUFFERED": "1",
        **plan.settings,
    }
    shared["HEADWAY_TASKS"] = ",".join((SCRIPT, *plan.tasks))
    processor = shared | _ports("HEADWAY_PROCESSOR", ops[0])
    parts = [] if plan.nats_url else [_nats(plan, environ)]
    parts.append(_service("processor", "headway_processor", processor, ops[0]))
    for port, ops_port in zip(plan.ports, ops[1:], strict=True):
        streamer = shared | _ports("HEADWAY_STREAMER", ops_port)
        streamer |= {
            "HEADWAY_STREAMER_HOST": HOST,
            "HEADWAY_STREAMER_PORT": str(port),
            "HEADWAY_STREAMER_NAME": f"streamer-{port}",
        }
        parts.append(_service(f"streamer-{port}", "headway_streamer", streamer, ops_port))
    return parts


def _nats(plan: Plan, environ: Mapping[str, str]) -> Spec:
    argv = [nats_server(), "--addr", HOST, "--port", str(plan.nats_port)]
    argv += ["--jetstream", "--store_dir", str(plan.folder / "nats")]
    return Spec("nats", tuple(argv), environ, f"tcp://{HOST}:{plan.nats_port}")


def _service(name: str, module: str, environ: Mapping[str, str], ops_port: int) -> Spec:
    return Spec(name, (sys.executable, "-m", module), environ, f"http://{HOST}:{ops_port}/readyz")


def _ports(prefix: str, ops_port: int) -> dict[str, str]:
    return {f"{prefix}_OPS_HOST": HOST, f"{prefix}_OPS_PORT": str(ops_port)}


class Suite:
    """Runs the parts of a plan. As a context manager it leaves no child behind, whatever ends it."""

    def __init__(self, parts: list[Spec], on_line: OnLine, on_death: OnDeath) -> None:
        self._deaths: dict[str, int] = {}
        self._on_death = on_death
        self.children = [Child(spec, on_line, self._died) for spec in parts]
        self._keepers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Suite:
        return self

    async def __aexit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, *, strict: bool) -> None:
        """Start all parts and wait until each is ready: NATS before those who need it.

        Raises SuiteError when a part is not ready in time; if `strict` also when one dies meanwhile.
        """
        for child in self.children:
            self._keepers.append(asyncio.create_task(child.keep(), name=child.spec.name))
            if child.spec.ready.startswith("tcp:"):
                await self.ready(child, strict=strict)
        for child in self.children:
            await self.ready(child, strict=strict)

    async def ready(self, child: Child, *, strict: bool = False) -> None:
        """Wait until `child` is ready. Raises SuiteError."""
        died = self._deaths.get(child.spec.name, 0)
        try:
            async with asyncio.timeout(READY_SECONDS if strict else None):
                while not await answers(child.spec.ready):
                    if strict and self._deaths.get(child.spec.name, 0) > died:
                        raise SuiteError(f"{child.spec.name} ended at once.\n{last_lines(child)}")
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise SuiteError(f"{child.spec.name} was not ready in {READY_SECONDS:g} s.\n{last_lines(child)}") from error

    async def restart(self, child: Child) -> None:
        """Restart `child` and wait until it is ready, or has died of what changed."""
        await child.restart(GRACE_SECONDS)
        with suppress(SuiteError):
            await self.ready(child, strict=True)

    async def stop(self) -> None:
        """Streamers first, so that they say goodbye; NATS last, so that all can flush."""
        groups: dict[str, list[Child]] = {"streamer": [], "processor": [], "nats": []}
        for child in self.children:
            groups[child.spec.name.partition("-")[0]].append(child)
        for group in groups.values():
            await asyncio.gather(*(child.stop(GRACE_SECONDS) for child in group))
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    def kill(self) -> None:
        """End all at once, by force."""
        for child in self.children:
            child.kill()

    def _died(self, child: Child, code: int, pause: float) -> None:
        self._deaths[child.spec.name] = self._deaths.get(child.spec.name, 0) + 1
        self._on_death(child, code, pause)


def last_lines(child: Child) -> str:
    """What `child` said last, readable and indented."""
    return (
        "\n".join(f"  {line}" for raw in tuple(child.tail) for line in read(raw).text.splitlines())
        or "  It said nothing."
    )


async def answers(url: str) -> bool:
    """Whether the address accepts a connection (tcp) or answers 200 (http)."""
    parts = urlsplit(url)
    if parts.scheme == "tcp":
        with suppress(OSError):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.close()
            return True
        return False
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
            return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False
