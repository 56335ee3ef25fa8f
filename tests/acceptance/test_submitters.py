"""Scripts and web applications submit as their how-tos print it: real servers of each framework, real HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import subprocess
import sys
import textwrap
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import Any, NamedTuple

import httpx
import pytest

from headway.client import SyncClient, sign_token
from tests.fixtures.condition import holds_blocking
from tests.fixtures.pages import ROOT, modules, printed_for
from tests.fixtures.process import start_process
from tests.fixtures.services import READY_SECONDS, Services, free_port, run_services

HERE = "tests/acceptance/test_submitters.py"
URL = "http://127.0.0.1:8000"
SECRET = "a secret of sufficient length for tokens"
FRAMEWORKS = ("django", "flask", "fastapi", "litestar")
MODES = ("none", "jwt")
START_SECONDS = 90.0
"""Importing four frameworks may take this long on a busy machine."""

LOGIN = {
    "flask": """
        @app.post("/login")
        def login():
            session["user"] = request.get_json()["user"]
            return {}

        @app.get("/page")
        def page():
            return '<!doctype html><progress id="bar" max="100"></progress><p id="label"></p>'
        """,
    "fastapi": """
        @app.post("/login")
        async def login(request: Request, given: dict[str, str]) -> None:
            request.session["user"] = given["user"]
        """,
    "litestar": """
        @post("/login")
        async def login(request: Request, data: dict[str, str]) -> None:
            request.set_session(data)

        app.register(login)
        """,
}
"""How the applications of the how-to learn who is there; those of Django have its users."""
DJANGO = """
    import os, sys
    from pathlib import Path
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="secret",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="views",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "views.Refusals",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).with_name("db")}},
        MIGRATION_MODULES={"auth": None, "contenttypes": None, "sessions": None},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        USE_TZ=True,
    )
    django.setup()
    if sys.argv[1:] == ["prepare"]:
        from django.contrib.auth.models import User
        from django.core.management import call_command
        from django.test import Client

        call_command("migrate", run_syncdb=True, verbosity=0)
        for name in ("ann", "bob"):
            client = Client()
            client.force_login(User.objects.create_user(name))
            print(name, client.cookies["sessionid"].value)
    else:
        from django.core.asgi import get_asgi_application

        app = get_asgi_application()
    """
CSRF = "c" * 32


class Stack(NamedTuple):
    """The services that all tests share, and one server of each framework for each of two streamers."""

    streamers: dict[str, str]
    """By the mode of access control."""
    servers: dict[tuple[str, str], str]
    """By framework and mode."""
    sessions: dict[str, str]
    """Of Django's users."""
    services: Services
    """Where further services can be started."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("submitters")
    quick = modules()["mytasks"].replace("sleep(1)", "sleep(0.05)")
    (folder / "mytasks.py").write_text(quick)
    ports = {(framework, mode): free_port() for framework in FRAMEWORKS for mode in MODES}
    origins = {mode: ",".join(f"http://127.0.0.1:{ports[one, mode]}" for one in FRAMEWORKS) for mode in MODES}
    with run_services(folder) as running, ExitStack() as closing:
        processor = running.processor("p1", "mytasks")
        plain = running.streamer("plain", CORS_ORIGINS=origins["none"])
        strict = running.streamer("strict", CORS_ORIGINS=origins["jwt"], ACCESS="jwt", JWT_SECRET=SECRET)
        streamers = {"none": plain.url, "jwt": strict.url}
        for service in (processor, plain, strict):
            service.wait_ready()
        sessions = write_applications(folder)
        for mode in MODES:
            servers = [f"{framework}={ports[framework, mode]}" for framework in FRAMEWORKS]
            secret = SECRET if mode == "jwt" else ""
            closing.enter_context(serve(folder, servers, streamers[mode], running.nats.url, secret))
        yield Stack(streamers, {key: f"http://127.0.0.1:{port}" for key, port in ports.items()}, sessions, running)


def write_applications(folder) -> dict[str, str]:
    """The blocks of the how-to as modules, in a folder for each framework. Returns the sessions of Django's users."""
    shared, *views = printed_for(f"{HERE}::test_views_submit_for_their_user_as_printed")
    for framework, block in zip(FRAMEWORKS, views, strict=True):
        assert framework in block.text
        (folder / framework).mkdir()
        is_async = framework in ("fastapi", "litestar")
        helper = shared.text.replace("SyncClient", "Client") if is_async else shared.text
        (folder / framework / "progress.py").write_text(helper)
        name = "views.py" if framework == "django" else "application.py"
        (folder / framework / name).write_text(block.text + textwrap.dedent(LOGIN.get(framework, "")))
    (folder / "django" / "application.py").write_text(textwrap.dedent(DJANGO))
    prepare = [sys.executable, "application.py", "prepare"]
    done = subprocess.run(prepare, cwd=folder / "django", capture_output=True, text=True, check=True, timeout=60)
    return dict(line.split() for line in done.stdout.splitlines())


@contextmanager
def serve(folder, servers, streamer, nats, secret):
    """One application of each framework, on the ports of `servers`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY_")}
    environment = clean | {"HEADWAY_SERVER": streamer, "HEADWAY_NATS_URL": nats, "SECRET_KEY": "secret"}
    environment |= {"HEADWAY_STREAMER_JWT_SECRET": secret} if secret else {}
    command = [sys.executable, "-m", "tests.fixtures.framework_servers", str(folder), *servers]
    with (folder / f"applications{bool(secret)}.log").open("w") as log:
        process = start_process(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait()


class Browser:
    """A user of an application, by what a browser would send."""

    def __init__(self, stack: Stack, framework: str, mode: str) -> None:
        self.http = httpx.Client(base_url=stack.servers[framework, mode], timeout=30)
        self._sessions = stack.sessions if framework == "django" else None

    def is_there(self) -> bool:
        try:
            return self.http.get("/").status_code > 0
        except httpx.TransportError:
            return False

    def log_in(self, user: str) -> None:
        if self._sessions is None:
            self.http.post("/login", json={"user": user}).raise_for_status()
        else:
            self.http.cookies.set("sessionid", self._sessions[user])

    def post(self, path: str, value: Any = None) -> httpx.Response:
        self.http.cookies.set("csrftoken", CSRF)
        return self.http.post(path, json={} if value is None else value, headers={"X-CSRFToken": CSRF})

    def events(self, stream: str) -> list[dict[str, Any]]:
        """The events of a stream that the page of this application opens."""
        origin = str(self.http.base_url)
        answer = httpx.get(stream, headers={"Accept": "text/event-stream", "Origin": origin}, timeout=60)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
        return [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]


@pytest.fixture
def browsers(stack):
    """Makes browsers of an application, which is there then."""
    with ExitStack() as closing:

        def make(framework, mode):
            browser = Browser(stack, framework, mode)
            closing.callback(browser.http.close)
            assert holds_blocking(browser.is_there, START_SECONDS)
            return browser

        yield make


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_views_submit_for_their_user_as_printed(browsers, printed, framework, mode):
    """They hand the browser a stream, refuse strangers, pass on what does not fit, and report their own work."""
    assert len(printed) == 1 + len(FRAMEWORKS)
    browser, other = browsers(framework, mode), browsers(framework, mode)
    assert browser.post("/eggs", {"seconds": 1}).status_code in (401, 302)
    browser.log_in("ann")
    other.log_in("bob")

    started = browser.post("/eggs", {"seconds": 2})
    assert started.status_code == 202, started.text
    task, stream = started.json()["task"], started.json()["stream"]
    last = browser.events(stream)[-1]
    assert (last["status"], last["done"], last["data"]) == ("completed", 2, "soft")

    fresh = browser.post(f"/eggs/{task}/stream").json()["stream"]
    assert browser.events(fresh)[-1]["data"] == "soft"
    assert (fresh == stream) == (mode == "none")  # a token is another one each time
    foreign = other.post(f"/eggs/{task}/stream").status_code
    bare = httpx.get(stream.partition("?")[0], headers={"Accept": "text/event-stream"}).status_code
    assert (foreign, bare) == ((404, 401) if mode == "jwt" else (200, 200))

    wrong = browser.post("/eggs", {"seconds": "five"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/params/seconds")

    own = f"import-{framework}-{mode}"
    assert browser.post(f"/imports/{own}", [1, 2, 3]).json() == {"rows": 3}
    assert holds_blocking(lambda: browser.post(f"/eggs/{own}/stream").status_code == 200, READY_SECONDS)
    last = browser.events(browser.post(f"/eggs/{own}/stream").json()["stream"])[-1]
    assert (last["status"], last["done"], last["unit"]) == ("completed", 3, "rows")
    assert (other.post(f"/eggs/{own}/stream").status_code == 404) == (mode == "jwt")


WATCHED = """
    const Native = window.EventSource;
    window.sources = [];
    window.EventSource = class extends Native {
      constructor(url) { super(url); window.sources.push(this); }
    };
"""


async def test_a_page_streams_as_printed(stack, browsers, printed, page):
    """In Chromium, over the end of a token, and across origins as the settings of the how-to allow it."""
    settings, script = printed
    names = re.findall(r"^export HEADWAY_STREAMER_(\w+)=", settings.text, re.MULTILINE)
    assert names == ["CORS_ORIGINS", "ALLOWED_HOSTS", "ACCESS", "JWT_SECRET"]
    application = stack.servers["flask", "jwt"]
    await asyncio.to_thread(browsers, "flask", "jwt")
    await page.add_init_script(WATCHED)
    await page.goto(f"{application}/page")
    assert (
        await page.evaluate(
            """async () => (await fetch("/login", {method: "POST", headers: {"Content-Type": "application/json"},
                                               body: '{"user": "ann"}'})).status"""
        )
        == 200
    )
    elements = "const [bar, label] = ['bar', 'label'].map((id) => document.getElementById(id));"
    task = await page.evaluate(f"async () => {{ {elements} {script.text}\nreturn task; }}")
    await page.wait_for_function("bar.value > 0", timeout=60_000)
    await page.evaluate("sources[0].dispatchEvent(new MessageEvent('reauth', { data: '{}' }))")
    await page.wait_for_function("sources.length === 2 && sources[1].readyState === 1", timeout=60_000)
    seen = await page.evaluate("bar.value")
    await page.wait_for_function(f"bar.value > {seen}", timeout=60_000)
    token = sign_token(SECRET, "ann")
    with SyncClient(stack.streamers["jwt"], token=token) as client:
        await asyncio.to_thread(client.cancel, task, "hard enough")
    await page.wait_for_function("label.textContent.startsWith('cancelled')", timeout=60_000)
    assert await page.evaluate("sources.map((source) => source.readyState)") == [2, 2]
    urls = await page.evaluate("sources.map((source) => source.url)")
    assert urls[0] != urls[1]
    assert re.search(r"&cursor=.+", urls[1])
    assert all(url.startswith(stack.streamers["jwt"]) for url in urls)


def run(text: str, streamer: str) -> str:
    """What a printed script prints, with the streamer of these tests."""
    assert URL in text
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(text.replace(URL, streamer), "printed", "exec", dont_inherit=True), {"__name__": "printed"})
    return printed.getvalue()


def test_scripts_submit_as_printed(stack, printed):
    plain, concurrent = (run(block.text, stack.streamers["none"]).splitlines() for block in printed)
    assert plain[-1] == "soft"
    assert "completed 100.0" in plain[-2]
    assert [line.split()[-1] for line in concurrent[:3]] == ["completed"] * 3
    assert concurrent[3] == "['soft', 'soft', 'soft']"


def test_errors_are_as_printed(stack, printed):
    script, output = printed
    assert run(script.text, stack.streamers["none"]) == output.text


def test_a_script_signs_its_tokens_as_printed(stack, printed, monkeypatch):
    (block,) = printed
    monkeypatch.setenv("HEADWAY_STREAMER_JWT_SECRET", SECRET)
    assert run(block.text, stack.streamers["jwt"]) == "soft\n"


def test_a_watch_continues_when_its_streamer_is_killed(stack):
    """The client without asyncio: no event is missed or repeated."""
    streamer = stack.services.streamer("killed")
    streamer.wait_ready()
    seen, drops, killed = [], [], False
    with SyncClient(streamer.url) as client:
        task = client.submit("boil", {"seconds": 40})["task"]
        for event in client.watch(task, merge=False, on_drop=lambda reason, _: drops.append(reason)):
            if event.event == "progress":
                seen.append(event.data["n"])
                if (event.data.get("done") or 0) >= 20 and not killed:
                    streamer.kill()
                    streamer.start()
                    killed = True
        assert client.wait(task)["data"] == "soft"
    assert seen == list(range(1, len(seen) + 1))
    assert drops
