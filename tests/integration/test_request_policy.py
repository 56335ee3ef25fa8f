"""Who may ask a streamer, as raw HTTP: every route, method and kind of sender, and the headers of every answer."""

import asyncio
import json
from itertools import product

import httpx
import msgspec
import pytest

from headway.eventlog.chain import Chain, read_head
from headway.records import KindRecord
from headway.testing import progress
from headway_streamer.process.bounded_protocol import BoundedProtocol, bounded
from headway_streamer.process.server import QuietServer, config, listen
from headway_streamer.process.unfinished_requests import UnfinishedRequests
from headway_streamer.settings import Settings
from tests.fixtures.http import run_streamer
from tests.fixtures.sse import ACCEPT

pytestmark = pytest.mark.security

LISTED = "https://friend.example"
NAME = "app.example"
FOREIGN = [
    *(
        "null",
        "",
        "file://",
        "https://evil.example",
        "http://evil.example:{port}",
        "http://localhost",
        "https://{name}",
    ),
    *("http://{name}:1", "http://www.{name}:{port}", "http://evil{name}:{port}", "http://{name}.evil.example:{port}"),
    *("http://{name}:{port}.evil.example", "http://{name}:{port}@evil.example", "http://127.0.0.1:{port}"),
    *("http://localhost.:{port}1", "http://{name}:{port}/", "chrome-extension://{name}", "{name}:{port}"),
    *("https://www.friend.example", "http://friend.example", "https://friend.example:8443"),
]
SITES = [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "", "x")]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
JSON = {"Content-Type": "application/json"}
COMMON = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
async def streamer(nats_server, connection, names):
    buckets = await connection.client.jetstream().key_value(names.kinds_bucket)
    await buckets.put("echo", msgspec.json.encode(KindRecord(kind="echo", params={"type": "object"})))
    options = {"allowed_hosts": (NAME,), "cors_origins": (LISTED,)}
    async with run_streamer(nats_server.url, names.namespace, **options) as running:
        running.port = int(running.url.rpartition(":")[2])
        yield running


@pytest.fixture
async def tasks(streamer):
    """A task that waits, and one that has ended."""
    waiting, ended = [(await streamer.submit()).json()["task"] for _ in range(2)]
    log = streamer.components.log
    await Chain(log, ended, await read_head(log, ended), attempt=1).append(progress("completed", 100.0, data=1))
    return waiting, ended


def routes(waiting, ended):
    """A URL of every route, and some of none."""
    of_task = ["", "/stream", "/cancel", "/retry", "/result"]
    schema = ["/schema", "/schema/openapi.json", "/schema/openapi.yaml", "/schema/x"]
    return [
        *("/", "/page/favicon.svg", "/nope", *schema),
        *("/api/v1/kinds", "/api/v1/tasks", f"/api/v1/stream?task={waiting}", f"/tasks/{waiting}/stream"),
        *(f"/api/v1/tasks/{task}{rest}" for task in (waiting, ended) for rest in of_task),
        *("/api/v1/process/stream?kind=echo", "/api/v1/process/echo/stream"),
    ]


async def stored(connection, names):
    """The last sequence of events, jobs and records."""
    js = connection.client.jetstream()
    streams = (names.events_stream, names.jobs_stream, f"KV_{names.tasks_bucket}")
    return [(await js.stream_info(stream)).state.last_seq for stream in streams]


async def answers(http, asked):
    """All answers, some at once: method, URL, status and headers of each; a stream is left at its first byte."""

    async def ask(method, url, headers):
        async with http.stream(method, url, headers=headers, content=b"{}" if method == "POST" else None) as reply:
            found.append((method, url, reply.status_code, reply.headers))

    found, asked = [], list(asked)

    async def work():
        while asked:
            await ask(*asked.pop())

    await asyncio.gather(*(work() for _ in range(8)))
    return found


async def test_no_foreign_origin_has_an_effect_on_any_route(streamer, tasks, connection, names, security_figures):
    before = await stored(connection, names)
    host = {"Host": f"{NAME}:{streamer.port}"}
    senders = [{"Origin": origin.format(name=NAME, port=streamer.port)} for origin in FOREIGN if origin]
    senders += [sender for sender in SITES if sender["Sec-Fetch-Site"]]
    senders += [{"Origin": LISTED + ".evil.example", "Access-Control-Request-Method": "POST"}]
    # Every sender with what has an effect, and a few with every method.
    pairs = [*product(("GET", "POST"), senders), *product(METHODS, senders[:: len(senders) // 3])]
    asked = [(method, path, ACCEPT | JSON | host | sender) for path in routes(*tasks) for method, sender in pairs]
    found = await answers(streamer.http, asked)
    allowed = [item for item in found if item[2] != 403 or "access-control-allow-origin" in item[3]]
    effects = sum(await stored(connection, names)) - sum(before)
    security_figures(3, "raw requests", senders=len(senders), requests=len(asked), effects=effects, taken=len(allowed))
    assert (effects, allowed) == (0, [])
    assert all(headers["content-type"] == "application/problem+json" for _, _, _, headers in found)


async def test_own_and_listed_pages_and_programs_have_all_effects(streamer, tasks, connection, names):
    host = {"Host": f"{NAME}:{streamer.port}"}
    for sender in ({}, {"Origin": f"http://{NAME}:{streamer.port}"}, {"Origin": LISTED}, {"Sec-Fetch-Site": "none"}):
        before = await stored(connection, names)
        asked = [(method, path, ACCEPT | JSON | host | sender) for method in ("GET", "POST") for path in routes(*tasks)]
        found = await answers(streamer.http, asked)
        started = sum(status == 202 or (status == 200 and "/process/" in url) for _, url, status, _ in found)
        assert started >= 4  # two starts, a retry, a cancel; a POST of {} does not fit
        assert sum(await stored(connection, names)) > sum(before)


async def test_a_post_that_does_not_declare_json_has_no_effect(streamer, tasks, connection, names, security_figures):
    before = await stored(connection, names)
    waiting, ended = tasks
    paths = ["/api/v1/tasks", f"/api/v1/tasks/{waiting}/cancel", f"/api/v1/tasks/{ended}/retry"]
    types = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "application/jsonx",
    ]
    for path, type in product(paths, types):
        for body in (b"", b'{"kind":"echo"}'):
            reply = await streamer.http.post(path, content=body, headers={"Content-Type": type})
            assert (reply.status_code, reply.json()["status"]) == (415, 415)
    effects = sum(await stored(connection, names)) - sum(before)
    security_figures(3, "POST without JSON", requests=2 * len(paths) * len(types), effects=effects)
    assert effects == 0


HOSTS = [
    ("rebind.example", 421),
    ("rebind.example:{port}", 421),
    ("localhost.example", 421),
    ("0.0.0.0:{port}", 421),
    ("10.0.0.7", 421),
    ("127.1", 421),
    ("2130706433", 421),
    ("app.example.evil.example", 421),
    ("xapp.example", 421),
    ("", 400),
    ("a b", 400),
    ("localhost, localhost", 400),
    ("localhost:99999", 400),
    ("user@localhost", 400),
    ("[::1", 400),
    ("localhost/x", 400),
    ("localhost", 200),
    ("LOCALHOST.:{port}", 200),
    ("a.localhost", 200),
    ("127.9.9.9", 200),
    ("[::1]:{port}", 200),
    ("App.Example.", 200),
]


async def raw(port, request):
    """What comes for a request that ends its connection: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    status, *lines = head.decode("latin-1").split("\r\n")
    return int(status.split()[1]), httpx.Headers([tuple(line.split(": ", 1)) for line in lines]), body


def get(path, *lines, version="1.1"):
    return "\r\n".join([f"GET {path} HTTP/{version}", "Connection: close", *lines, "", ""]).encode("latin-1")


async def test_a_name_that_is_not_the_streamers_reads_and_submits_nothing(
    streamer, tasks, connection, names, security_figures
):
    before = await stored(connection, names)
    for host, status in HOSTS:
        host = host.format(port=streamer.port)
        for path in routes(*tasks)[:9]:  # no streams, which do not end
            got, headers, body = await raw(streamer.port, get(path, f"Host: {host}"))
            assert (got == status) or (status == 200 and got in (404,)), (host, path)
            assert status == 200 or (json.loads(body)["status"], headers["content-type"]) == (
                status,
                "application/problem+json",
            )
    twice = await raw(streamer.port, get("/", "Host: localhost", "Host: localhost"))
    missing = await raw(streamer.port, get("/")), await raw(streamer.port, get("/", version="1.0"))
    assert {status for status, _, _ in (twice, *missing)} == {400}
    forged = {"Host": "rebind.example", "X-Forwarded-Host": NAME, "Forwarded": f"host={NAME}"}
    read = 0
    for path in routes(*tasks):
        for method in ("GET", "POST"):
            reply = await streamer.http.request(method, path, headers=ACCEPT | JSON | forged)
            read += reply.status_code != 421
    effects = sum(await stored(connection, names)) - sum(before)
    security_figures(4, "Host headers", hosts=len(HOSTS) + 4, read=read, effects=effects)
    assert (read, effects) == (0, 0)


@pytest.fixture
async def ops(streamer):
    """The port of the ops application."""
    listener = listen("127.0.0.1", 0)
    requests = UnfinishedRequests(Settings(), streamer.components.idle_timer, streamer.components.metrics)
    server = QuietServer(config(streamer.components.ops_app(lambda: True), bounded(BoundedProtocol, requests)))
    serving = asyncio.create_task(server.serve([listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


async def test_the_ops_port_is_asked_by_address_by_probes_and_by_no_other_name(ops, security_figures):
    paths = ("/livez", "/readyz", "/metrics", "/nope")
    asked = 0
    for host, allowed in (("10.1.2.3", 1), (f"[2001:db8::1]:{ops}", 1), (NAME, 1), ("rebind.example", 0)):
        for path in paths:
            status, _, _ = await raw(ops, get(path, f"Host: {host}:{ops}" if ":" not in host else f"Host: {host}"))
            asked += 1
            assert (status != 421) == bool(allowed)
    assert (await raw(ops, get("/readyz", version="1.0")))[0] == 200
    assert (await raw(ops, get("/readyz")))[0] == 400
    status, headers, _ = await raw(ops, get("/metrics", "Host: 10.1.2.3", "Origin: null"))
    assert (status, headers["content-type"]) == (403, "application/problem+json")
    security_figures(4, "the ops port", requests=asked + 3)


@pytest.mark.parametrize("fast_path", [True, False])
async def test_every_answer_has_the_headers_and_every_error_is_a_problem(
    nats_server, streamer, tasks, names, ops, fast_path, security_figures
):
    statuses = set()
    async with run_streamer(nats_server.url, names.namespace, fast_path=fast_path) as other:
        etag = (await other.http.get(f"/api/v1/tasks/{tasks[0]}")).headers["etag"]
        extra = [("GET", f"/api/v1/tasks/{tasks[0]}", {"If-None-Match": etag}), ("GET", "/api/v1/tasks?limit=0", {})]
        extra += [("GET", f"/api/v1/tasks/{tasks[1]}/stream", {"Last-Event-ID": "?"}), ("POST", "/api/v1/tasks", {})]
        extra += [("GET", "/", {"Origin": "null"}), ("GET", "/", {"Host": "evil.example"}), ("GET", "/", {"Host": ""})]
        asked = [(method, path, ACCEPT | JSON) for method in METHODS for path in routes(*tasks)] + extra
        found = await answers(other.http, asked)
        large = await other.http.post("/api/v1/tasks", content=b"x" * 300_000, headers=JSON)
        found.append(("POST", "large", large.status_code, large.headers))
        port = int(other.url.rpartition(":")[2])
        for request in (b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", get("/\x01", "Host: localhost")):
            status, headers, _ = await raw(port, request)
            found.append(("raw", request, status, headers))
        for path in ("/livez", "/metrics", "/nope"):
            status, headers, _ = await raw(ops, get(path, "Host: localhost"))
            found.append(("GET", f"ops {path}", status, headers))
    for method, url, status, headers in found:
        statuses.add(status)
        assert {name: headers.get(name) for name in COMMON} == COMMON, (method, url, status)
        assert "default-src 'none'" in headers["content-security-policy"], (method, url, status)
        assert "frame-ancestors 'none'" in headers["content-security-policy"], (method, url, status)
        assert status < 400 or headers["content-type"] == "application/problem+json", (method, url, status)
        assert status != 405 or "OPTIONS" in headers["allow"], (method, url)
    security_figures(10, f"answers, fast path {fast_path}", answers=len(found), statuses=len(statuses), without=0)
    assert statuses >= {200, 202, 204, 304, 400, 403, 404, 405, 409, 413, 422, 421}


async def test_options_lists_the_methods_and_has_no_effect(streamer, tasks, connection, names):
    before = await stored(connection, names)
    for path in routes(*tasks):
        reply = await streamer.http.options(path)
        if reply.status_code == 404:
            continue
        allowed = set(reply.headers["allow"].split(", "))
        assert (reply.status_code, reply.content) == (204, b"")
        for method in ("GET", "POST"):
            got = await answers(streamer.http, [(method, path, {"Content-Type": "text/plain"})])
            assert (got[0][2] != 405) == (method in allowed), (path, method)
        assert ("HEAD" in allowed) == ("GET" in allowed)
    assert await stored(connection, names) == before


@pytest.mark.parametrize("streamers", [3])
async def test_a_key_means_one_task_to_all_streamers_and_after_a_restart(
    nats_server, connection, names, streamer, streamers, security_figures
):
    ids = set()
    for _ in range(2):
        running = [run_streamer(nats_server.url, names.namespace, name=f"s{n}") for n in range(streamers)]
        started = [await one.__aenter__() for one in running]
        replies = await asyncio.gather(*(one.submit(**{"Idempotency-Key": "order-17"}) for one in started * 10))
        assert {reply.status_code for reply in replies} == {202}
        ids |= {reply.json()["task"] for reply in replies}
        for one in running:
            await one.__aexit__(None, None, None)
    security_figures(10, "one idempotency key", streamers=2 * streamers, submits=20 * streamers, tasks=len(ids))
    assert len(ids) == 1
    assert (await connection.client.jetstream().stream_info(names.jobs_stream)).state.messages == 1
