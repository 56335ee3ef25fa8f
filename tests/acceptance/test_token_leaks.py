"""Real tokens go through every route of services that log everything; none is in what these and NATS show."""

import asyncio
import json
from contextlib import ExitStack
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import nats
import pytest
from nats.js.errors import NotFoundError

from headway.subjects import Names
from headway_streamer.api.operations import OPERATIONS
from tests.acceptance.test_secrets import HEADWAY
from tests.fixtures import tokens
from tests.fixtures.condition import until
from tests.fixtures.oidc_issuer import COOKIE, run_issuer
from tests.fixtures.scan import Scan, command_line_of
from tests.fixtures.services import run_services
from tests.fixtures.sse import ACCEPT

pytestmark = [pytest.mark.security, pytest.mark.timeout(300)]
PLANTED = "zqplanted17"
"""A kind, an owner and the name of a client: what the scan must find wherever it searches."""
KIND = f"""
from headway import task

@task("{PLANTED}")
async def planted(job):
    job.log("at work")
"""
MINTED = ("stream_token", "start_token")
"""Fields of answers that hold a token because it was asked for."""


def live_token(**claims):
    """An access token that is revoked alone: a sign-out revokes the token of its cookie."""
    return tokens.live_token(jti=uuid4().hex, **claims)


class Secret:
    """A text that is nowhere shown, neither as it is nor encoded; of a token not its claims or signature either."""

    def __init__(self, text):
        self.text = text
        parts = text.split(".") if text.count(".") == 2 else [text]
        self._words = {form for part in parts[-2:] for form in (part, quote(part, safe="")) if len(part) > 8}

    def found_in(self, shown):
        return any(word in shown for word in self._words)


class Watched(Scan):
    """A scan that also sends requests and keeps their answers."""

    def __init__(self, folder, stack, http):
        super().__init__(folder, stack)
        self._http = http
        self.secrets = []
        self.answers = 0

    def secret(self, text):
        self.secrets.append(Secret(text))
        return text

    async def ask(self, method, url, **options):
        """The answer and its JSON. It is kept without tokens that were asked for; a stream until its first event."""
        options["headers"] = ACCEPT | options.get("headers", {})
        async with self._http.stream(method, url, **options) as answer:
            body = await first_event(answer) if is_stream(answer) else (await answer.aread()).decode()
        self.answers += 1
        found = json.loads(body) if answer.headers.get("content-type", "").endswith("json") else None
        for name in MINTED if isinstance(found, dict) else ():
            if name in found:
                body = body.replace(self.secret(found[name]), "")
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items() if name != "set-cookie")
        self.keep("errors" if answer.status_code >= 400 else "answers", body)
        self.keep("headers of answers", headers)
        return answer, found


def is_stream(answer):
    return answer.headers.get("content-type", "").startswith("text/event-stream")


async def first_event(answer):
    """The text of a stream until its first event, or to its end."""
    body = ""
    async for line in answer.aiter_lines():
        body += line + "\n"
        if line.startswith("data:"):
            break
    return body


@pytest.fixture
def scan(tmp_path, http):
    with ExitStack() as stack:
        yield Watched(tmp_path, stack, http)


@pytest.fixture
def services(tmp_path):
    (tmp_path / "planted.py").write_text(KIND)
    with run_services(tmp_path, "debug: true\ntrace: true\n") as running:
        yield running


def start(services, issuer, scan):
    """A processor, and a streamer of each kind of access, all ready."""
    jwt = {"ACCESS": "jwt", "LOG_LEVEL": "debug"}
    started = [
        services.processor("p1", "headway_kinds.script,planted", LOG_LEVEL="debug"),
        services.streamer("own", JWT_SECRET=scan.secret(tokens.SECRET), JWT_ISSUER=tokens.ISSUER, **jwt),
        services.streamer(
            "provider",
            JWT_ISSUER=issuer.url,
            JWT_DISCOVERY="true",
            OIDC_CLIENT_ID=PLANTED,
            OIDC_CLIENT_SECRET=scan.secret(issuer.secret),
            OIDC_REDIRECT_URI="http://127.0.0.1:{port}/session/callback",
            **jwt,
        ),
        services.streamer(
            "gateway",
            ACCESS="forward",
            LOG_LEVEL="debug",
            FORWARD_PEERS="127.0.0.1",
            DEFAULT_SCOPES="tasks:submit,tasks:read,tasks:cancel",
        ),
    ]
    for service in started:
        service.wait_ready()
    return started


async def submitted(scan, base, given):
    """The id of a task of its own."""
    _, accepted = await scan.ask("POST", f"{base}/api/v1/tasks", json={"kind": PLANTED}, headers=given)
    assert "task" in accepted, accepted
    return accepted["task"]


async def walk(scan, base, task, given, query=""):
    """Ask every operation of the document; what deletes comes last."""
    asked = {}
    for operation in OPERATIONS:
        path = operation.path.replace("{task}", task).replace("{kind}", PLANTED).replace("{name}", "page.js")
        body = {"kind": PLANTED} if path == "/api/v1/tasks" else {}
        if path == "/api/v1/revocations":  # without a token it would revoke the one that asks
            body = {"token": scan.secret(live_token(sub=PLANTED))}
        path += f"?task={task}" if path == "/api/v1/stream" else ""
        path += (("&" if "?" in path else "?") + query) if query else ""
        options = {"json": body} if operation.method in ("post", "delete") else {}
        asking = scan.ask(operation.method.upper(), base + path, headers=given, **options)
        asked.setdefault(operation.method == "delete", []).append(asking)
    for last in (False, True):
        await asyncio.gather(*asked[last])


async def use_tokens(scan, base):
    """Send tokens of all kinds, good and bad, in every place where a client may put one."""
    good = {"Authorization": f"Bearer {scan.secret(live_token(sub=PLANTED))}"}
    await walk(scan, base, await submitted(scan, base, good), good)
    cookie = {"Cookie": f"__Host-headway={scan.secret(live_token(sub=PLANTED))}"}
    await walk(scan, base, await submitted(scan, base, cookie), cookie)
    task = await submitted(scan, base, good)
    _, minted = await scan.ask("POST", f"{base}/api/v1/tasks/{task}/token", json={}, headers=good)
    _, start = await scan.ask("POST", f"{base}/api/v1/kinds/{PLANTED}/token", json={}, headers=good)
    for token in (minted["stream_token"], start["start_token"], scan.secret(live_token())):
        await walk(scan, base, task, {}, f"token={token}")
    bad = [scan.secret(live_token(exp=1)), scan.secret(live_token(aud="other")), start["start_token"]]
    for token in bad:
        await scan.ask("GET", f"{base}/api/v1/tasks", headers={"Authorization": f"Bearer {token}"})
    token = scan.secret(live_token())
    await scan.ask("GET", f"{base}/api/v1/tasks/{task}/stream?token={token}", headers={"Origin": "http://evil.example"})
    await scan.ask("GET", f"{base}/api/v1/tasks?token={token}", headers={"Host": f"{PLANTED}.example"})
    await scan.ask("GET", f"{base}/none?token={token}", headers=good)
    typed = good | {"Content-Type": "application/json"}
    for body in (f'{{"token": "{token}"', f'{{"token": ["{token}"]}}', f'{{"token": "{token}"}}'):
        await scan.ask("POST", f"{base}/session", content=body, headers=typed)
    await scan.ask("POST", f"{base}/api/v1/tasks", content=f'{{"kind": "{token}"', headers=typed)
    await send_raw(scan, base, f"GET /api/v1/tasks?token={token} HTTP/9.9\r\nAuthorization: Bearer {token}\r\n\r\n")


async def send_raw(scan, base, text):
    """Send bytes that are not a request."""
    parts = urlsplit(base)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(text.encode())
    scan.keep("errors", (await asyncio.wait_for(reader.read(), 10)).decode())
    writer.close()


async def sign_in(scan, http, issuer, base):
    """Sign in at the provider as a browser does it, and use the session."""
    issuer.sessions["s"] = "ann"
    begun, _ = await scan.ask("GET", f"{base}/session/login")
    attempt = begun.headers["set-cookie"].partition("=")[2].partition(";")[0]
    visited = await http.get(begun.headers["location"], headers={"Cookie": f"{COOKIE}=s"})
    callback = visited.headers["location"]
    scan.secret(parse_qs(urlsplit(callback).query)["code"][0])
    finished, _ = await scan.ask("GET", callback, headers={"Cookie": f"__Host-headway-sign-in={attempt}"})
    session = scan.secret(finished.headers["set-cookie"].partition("=")[2].partition(";")[0])
    assert session.count(".") == 2
    given = {"Cookie": f"__Host-headway={session}"}
    await walk(scan, base, await submitted(scan, base, given), given)
    await scan.ask("GET", callback, headers={"Cookie": f"__Host-headway-sign-in={attempt}"})  # the code again


async def pass_a_gateway(scan, base):
    """Requests of a gateway that removes nothing."""
    given = {"X-Forwarded-User": PLANTED, "Authorization": f"Bearer {scan.secret('gateway-token-zq8132')}"}
    task = await submitted(scan, base, given)
    await walk(scan, base, task, given | {"Cookie": f"gateway={scan.secret('gateway-session-zq8132')}"})
    await walk(scan, base, task, given, f"token={scan.secret(live_token())}")
    await scan.ask("GET", f"{base}/api/v1/tasks", headers={"Authorization": "Basic " + scan.secret("Z2F0ZXdheTpwYXNz")})


async def keep_streams(scan, url):
    """Keep all that JetStream stores but the keys of stream tokens. Returns these, and the number of messages."""
    client = await nats.connect(url)
    js, messages, keys = client.jetstream(), 0, []
    for stream in await js.streams_info():
        for sequence in range(max(1, stream.state.first_seq), stream.state.last_seq + 1):
            try:
                message = await js.get_msg(stream.config.name, sequence)
            except NotFoundError:
                continue
            messages += 1
            if stream.config.name == f"KV_{Names().token_keys_bucket}":
                keys.append(Secret(json.loads(message.data)["secret"]))
                continue
            scan.keep("subjects of NATS", message.subject or "")
            scan.keep("headers of NATS", json.dumps(message.headers or {}))
            scan.keep("payloads of NATS", (message.data or b"").decode(errors="replace"))
    await client.close()
    return keys, messages


async def run_commands(scan, base):
    """Commands with a token from the environment and from a file."""
    token = scan.secret(live_token(sub=PLANTED))
    given = {"HEADWAY_SERVER": base, "HEADWAY_TOKEN": token}
    steps = '[{"name": "long", "seconds": 60}]'
    watching = scan.start("watch", [*HEADWAY, "submit", "script", f"steps={steps}", "--watch"], **given)
    listing = scan.start("submit", [*HEADWAY, "submit", PLANTED], **given)
    scan.keep("process list", command_line_of(listing.process.pid))
    scan.keep("commands", await asyncio.to_thread(scan.collect, listing))
    await asyncio.to_thread(watching.until, "long")
    await asyncio.to_thread(scan.stop, watching)


async def test_no_token_is_in_a_log_a_subject_a_metric_a_url_or_an_error(services, scan, http, security_figures):
    with run_issuer(client=PLANTED, secret="the-secret-of-the-client-zq8132") as issuer:
        _, own, provider, gateway = started = await asyncio.to_thread(start, services, issuer, scan)
        issuer.redirect = f"{provider.url}/session/callback"
        await until(lambda: offered(http, own.url), 20)
        await use_tokens(scan, own.url)
        await sign_in(scan, http, issuer, provider.url)
        await pass_a_gateway(scan, gateway.url)
    await run_commands(scan, own.url)
    for service in started:
        scan.keep("process list", command_line_of(service.pid))
        for path in ("/metrics", "/readyz?verbose"):
            scan.keep("metrics", (await http.get(f"http://127.0.0.1:{service.ops_port}{path}")).text)
        scan.keep("logs of the services", service.log.read_text())
    keys, messages = await keep_streams(scan, services.nats.url)
    scan.keep("process list", command_line_of(services.nats.pid))
    scan.keep("log of NATS", (services.directory / "nats.log").read_text())
    assert set(scan.leaks([Secret(PLANTED)])) >= {
        "subjects of NATS", "headers of NATS", "payloads of NATS", "log of NATS", "logs of the services", "metrics",
        "errors", "answers", "headers of answers", "process list", "submit",
    }  # fmt: skip
    assert keys
    leaks = scan.leaks(scan.secrets) + sorted(set(scan.leaks(keys)) - {"log of NATS"})  # whose traces are payloads
    counts = {"secrets": len(scan.secrets + keys), "answers": scan.answers, "messages": messages, "leaks": len(leaks)}
    security_figures(14, "tokens in logs, NATS, metrics, URLs and errors", **counts)
    assert leaks == []


async def offered(http, base):
    """Whether the kind is known."""
    given = {"Authorization": f"Bearer {live_token()}"}
    return PLANTED in (await http.get(f"{base}/api/v1/kinds", headers=given)).text
