"""Secrets are planted wherever they may be given, and searched for in all that the commands and services show."""

import json
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.fixtures.condition import holds_blocking
from tests.fixtures.nats import run_nats
from tests.fixtures.scan import END_SECONDS, Scan, children_of
from tests.fixtures.services import free_port

pytestmark = [pytest.mark.slow, pytest.mark.security, pytest.mark.timeout(300)]

ODD = ["#", "@", ":", "/", "?", "%", "%23", "ä✓", " ", "'", '"', ",", "[", "\\", "$", "-"]
HEADWAY = [sys.executable, "-m", "headway.cli"]
CLOSED_PORT = 1
AT_ONCE = 4


class Secret:
    """A password with odd characters between two words that no encoding changes."""

    def __init__(self, number: int, odd: str) -> None:
        self.words = [f"zqleft{number:02}", f"zqright{number:02}"]
        self.odd = odd
        self.text = odd.join(self.words)
        self.user = f"user{number:02}"

    @property
    def encoded(self) -> str:
        return quote(self.text, safe="")

    def found_in(self, shown: str) -> bool:
        """Whether a text shows the secret, or a part of it."""
        return any(word in shown.lower() for word in self.words)


SECRETS = [Secret(number, odd) for number, odd in enumerate(ODD)]


@pytest.fixture
def scan(tmp_path):
    with ExitStack() as stack:
        yield Scan(tmp_path, stack)


@pytest.fixture(scope="module")
def nats(tmp_path_factory):
    """A server that knows each secret as the password of a user."""
    users = [{"user": secret.user, "password": secret.text} for secret in SECRETS]
    with run_nats(
        tmp_path_factory.mktemp("nats"), json.dumps({"authorization": {"users": users}}, ensure_ascii=False)
    ) as server:
        yield server


@pytest.fixture(autouse=True)
def control():
    """A secret is found in what shows it: raw, encoded, and broken at its odd characters."""
    for secret in SECRETS:
        samples = [secret.text, secret.encoded, repr(secret.text), json.dumps(secret.text), *secret.text.split("#")]
        assert all(secret.found_in(sample) for sample in samples)


def services(port):
    return {
        "headway_streamer": {"HEADWAY_STREAMER_PORT": str(port), "HEADWAY_STREAMER_OPS_PORT": str(port + 1)},
        "headway_processor": {"HEADWAY_PROCESSOR_OPS_PORT": "0", "HEADWAY_TASKS": "headway_kinds.check"},
    }


def service_words(module):
    return [sys.executable, "-m", module]


def test_services_show_no_secret_of_a_url_as_it_was_typed(scan, security_figures):
    """Some of them are not URLs; the others name a server that is not there."""
    refused, started = 0, []
    settings = services(0)
    settings["headway_streamer"]["HEADWAY_STREAMER_OPS_PORT"] = "0"
    for number, secret in enumerate(SECRETS):  # both services read the URL by the same code: each gets every second one
        module = list(settings)[number % 2]
        url = f"nats://{secret.user}:{secret.text}@127.0.0.1:{CLOSED_PORT}"
        what = f"{module} with {secret.odd!r} in the URL"
        started.append(scan.start(what, service_words(module), HEADWAY_NATS_URL=url, **settings[module]))
    for running in started:
        running.until("nats error")
        scan.stop(running)
        refused += running.process.returncode == 2
        assert "Traceback (most recent call last):\n" not in running.output
    assert refused >= 5
    assert scan.leaks(SECRETS) == []
    security_figures(8, "NATS URLs as typed", starts=len(SECRETS), refused=refused, leaks=0)


def test_services_show_no_secret_of_any_setting(scan, nats, security_figures):
    """With NATS reachable, and with a password that is wrong."""
    works, tried = 0, SECRETS[::2]
    for at in range(0, len(tried), AT_ONCE):
        started = [
            start_with_setting(scan, nats, number, secret) for number, secret in enumerate(tried[at : at + AT_ONCE], at)
        ]
        for running, port, right in started:
            if right:
                for path, place in (("/", port), ("/metrics", port + 1)):
                    scan.keep(f"streamer {path}", _get(f"http://127.0.0.1:{place}{path}"))
                assert "nats connected: yes" in _until_ready(port + 1), running.output
                works += 1
            else:
                running.until("nats error")
            scan.stop(running)
    assert works == 5
    assert scan.leaks(SECRETS) == []
    security_figures(8, "settings of NATS", starts=len(tried), passwords_that_work=works, leaks=0)


def start_with_setting(scan, nats, number, secret):
    """Start a streamer with a password in one of three ways: the process, its port, and whether NATS knows it."""
    host, port = nats.url.removeprefix("nats://"), free_port()
    given = [
        {"HEADWAY_NATS_URL": f"nats://{secret.user}:{secret.encoded}@{host}"},
        {"HEADWAY_NATS_URL": f"nats://nobody:{secret.encoded}@{host}"},
        {"HEADWAY_NATS_URL": nats.url, "HEADWAY_NATS_USER": secret.user, "HEADWAY_NATS_PASSWORD": secret.text},
    ][number % 3]
    environ = services(port)["headway_streamer"] | given
    running = scan.start(f"streamer {number % 3} {secret.odd!r}", service_words("headway_streamer"), **environ)
    return running, port, number % 3 != 1


def test_services_show_no_secret_of_a_damaged_file(scan, tmp_path):
    secret = SECRETS[0]
    file = tmp_path / "app.creds"
    file.write_text(f"-----BEGIN USER NKEY SEED-----\n{secret.text}\n")
    for module, environ in services(free_port()).items():
        for variable in ("HEADWAY_NATS_CREDS_FILE", "HEADWAY_NATS_NKEY_FILE"):
            assert variable in scan.run(
                f"{module} {variable}", service_words(module), **{variable: str(file)}, **environ
            )
    assert scan.leaks(SECRETS) == []


def _get(url):
    reply = []

    def answered():
        with suppress(httpx.HTTPError):
            reply.append(httpx.get(url, timeout=5).text)
        return reply

    assert holds_blocking(answered, END_SECONDS), url
    return reply[0]


def _until_ready(port):
    def connected():
        return "nats connected: yes" in _get(f"http://127.0.0.1:{port}/readyz?verbose")

    holds_blocking(connected, END_SECONDS)
    return _get(f"http://127.0.0.1:{port}/readyz?verbose")


def test_commands_show_no_secret_of_a_server(scan, security_figures):
    """As it was typed, encoded and as a token, of a server that is not there, and in wrong places."""
    cancel = ("cancel", "t1")  # which tries once
    commands = [cancel, ("ls",), cancel, ("submit", "check"), cancel, ("watch", "t1", "--patience", "1")]
    started = []
    for number, secret in enumerate(SECRETS):
        server = (
            f"http://u:{secret.text}@127.0.0.1:{CLOSED_PORT}",
            f"http://u:{secret.encoded}@127.0.0.1:{CLOSED_PORT}",
            f"http://127.0.0.1:{CLOSED_PORT}/?token={secret.encoded}",
        )[number % 3]
        started.append([*HEADWAY, *commands[number // 2 % len(commands)], "--server", server])
    for at in range(0, len(started), AT_ONCE):
        for running in [scan.start(f"{words[3]} {words[-1]}", words) for words in started[at : at + AT_ONCE]]:
            scan.collect(running)
            assert running.process.returncode != 0
    one = scan.run("ls with a URL too many", [*HEADWAY, "ls", f"http://u:{SECRETS[-1].text}@127.0.0.1"])
    assert "***" in one
    assert scan.leaks(SECRETS) == []
    assert any("HEADWAY_SERVER instead" in text for _, text in scan.shown)
    security_figures(8, "URLs of --server", commands=len(started) + 1, leaks=0)


def test_commands_show_no_secret_of_a_server_that_answers(scan, nats, security_figures):
    secret, port = SECRETS[0], free_port()
    url = f"nats://{secret.user}:{secret.encoded}@{nats.url.removeprefix('nats://')}"
    processes = [
        scan.start(module, service_words(module), HEADWAY_NATS_URL=url, **environ)
        for module, environ in services(port).items()
    ]
    _until_ready(port + 1)
    server = f"http://u:{secret.encoded}@127.0.0.1:{port}"

    def offered():
        return "check" in _get(f"http://127.0.0.1:{port}/api/v1/kinds")

    assert holds_blocking(offered, END_SECONDS)
    submitted = scan.run("submit", [*HEADWAY, "submit", "check", "--server", server])
    assert "curl -N http://***@127.0.0.1" in submitted
    task = submitted.split()[submitted.split().index("check") - 1]
    for words in (("watch", task), ("ls",), ("kinds",), ("result", task), ("logs", task), ("cancel", task)):
        scan.run(words[0], [*HEADWAY, *words, "--server", server])
    for process in processes:
        scan.stop(process)
    assert scan.leaks(SECRETS) == []
    security_figures(8, "commands of a server that answers", commands=7, leaks=0)


def test_dev_shows_no_secret_and_its_children_have_none_on_their_command_lines(scan, nats, security_figures):
    secret, port = SECRETS[0], free_port()
    url = f"nats://{secret.user}:{secret.encoded}@{nats.url.removeprefix('nats://')}"
    words = [*HEADWAY, "dev", "--port", str(port), "--streamers", "1", "--no-reload"]
    dev = scan.start("dev", words, HEADWAY_DEV_NATS=url)
    dev.until("Ready:")
    assert "nats://***@127.0.0.1" in dev.output
    children = children_of(dev.process.pid)
    environs = [Path(f"/proc/{pid}/environ").read_text(errors="replace") for pid in children]
    assert any(secret.found_in(environ) for environ in environs)  # the control: this is how they know it
    scan.stop(dev)
    bad = scan.run("dev with a URL that is not one", words, HEADWAY_DEV_NATS=f"nats://u:{secret.text}@h:1")
    assert "%23 for #" in bad
    typed = scan.start("dev --nats", [*words, "--nats", f"nats://u:{secret.text}@h:1"])
    assert "HEADWAY_DEV_NATS instead" in scan.collect(typed)
    assert scan.leaks(SECRETS) == []
    security_figures(8, "headway dev", processes=len(children) + 1, leaks=0)
