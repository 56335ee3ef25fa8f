"""Debian's nginx and HAProxy with the settings that docs/how-to/proxies.md shows."""

import re
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.charts.helm import CHARTS
from tests.fixtures import proxies
from tests.fixtures.proxies import Proxy, replaced
from tests.fixtures.services import free_port

PAGE = CHARTS.parent / "docs" / "how-to" / "proxies.md"


def documented(language: str) -> str:
    """The configuration of that name in the page."""
    return re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1]


def nginx(streamers, directory: Path) -> Proxy:
    port = free_port()
    text = replaced(
        documented("nginx"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        *((f"streamer-{place}:8000", f"127.0.0.1:{pod.service.port}") for place, pod in enumerate(streamers, 1)),
    )
    return proxies.nginx(text, port, directory)


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
    return proxies.haproxy(text, port, directory)


@contextmanager
def run_proxies(streamers, directory: Path):
    """Both, in front of the streamers."""
    with ExitStack() as stack:
        started = []
        for start in (nginx, haproxy):
            proxy = start(streamers, directory)
            stack.callback(proxy.end)
            proxy.wait()
            started.append(proxy)
        yield started
