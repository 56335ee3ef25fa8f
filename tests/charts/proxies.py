"""Debian's nginx and HAProxy with the settings that docs/how-to/proxies.md shows."""

import re
import socket
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.charts.helm import CHARTS
from tests.fixtures.condition import holds_blocking
from tests.fixtures.needs import program
from tests.fixtures.process import start_process
from tests.fixtures.services import free_port

PAGE = CHARTS.parent / "docs" / "how-to" / "proxies.md"
NGINX, HAPROXY = program("nginx"), program("haproxy")
START_SECONDS = 10.0


def documented(language: str) -> str:
    """The configuration of that name in the page."""
    return re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1]


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for shown, local in pairs:
        assert shown in text, shown
        text = text.replace(shown, local)
    return text


class Proxy:
    """A process that listens on `port`."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self.log = log
        with log.open("wb") as out:
            self._process = start_process(command, stdout=out, stderr=out)

    def wait(self) -> None:
        def listens() -> bool:
            assert self._process.poll() is None, self.log.read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return True
            return False

        assert holds_blocking(listens, START_SECONDS), self.log.read_text()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def nginx(streamers, directory: Path) -> Proxy:
    port = free_port()
    text = replaced(
        documented("nginx"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        *((f"streamer-{place}:8000", f"127.0.0.1:{pod.service.port}") for place, pod in enumerate(streamers, 1)),
    )
    paths = " ".join(
        f"{name}_temp_path {directory}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = directory / "nginx.conf"
    config.write_text(
        f"daemon off; pid {directory}/nginx.pid; error_log stderr warn;\n"
        f"events {{ worker_connections 1024; }}\nhttp {{ access_log off; {paths}\n{text}}}\n"
    )
    assert NGINX
    return Proxy([NGINX, "-c", str(config), "-p", str(directory)], port, directory / "nginx.log")


def haproxy(streamers, directory: Path) -> Proxy:
    port = free_port()
    places = list(enumerate(streamers, 1))
    text = replaced(
        documented("haproxy"),
        ("bind :80", f"bind 127.0.0.1:{port}"),
        *(
            (f"streamer-{n}:8000 check port 9000", f"127.0.0.1:{p.service.port} check port {p.service.ops_port}")
            for n, p in places
        ),
    )
    config = directory / "haproxy.cfg"
    config.write_text(text)
    assert HAPROXY
    return Proxy([HAPROXY, "-db", "-f", str(config)], port, directory / "haproxy.log")


@contextmanager
def run_proxies(streamers, directory: Path):
    """Both, in front of the streamers."""
    with ExitStack() as stack:
        proxies = []
        for start in (nginx, haproxy):
            proxy = start(streamers, directory)
            stack.callback(proxy.end)
            proxy.wait()
            proxies.append(proxy)
        yield proxies
