"""`headway.client`, as a program that submits a task and watches it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_type

from headway.client import (
    Client,
    ClientError,
    DeadLetterPage,
    Report,
    SyncClient,
    TaskPage,
    UploadedFile,
    Watched,
    sign_token,
)


def dropped(reason: str, pause_seconds: float) -> None:
    """Called when the stream is lost."""


async def main() -> None:
    async with Client("http://127.0.0.1:8000", headers={"X-User": "me"}, timeout_seconds=5) as client:
        assert_type(client, Client)
        assert_type(client.with_token(lambda: "t"), Client)
        assert_type(await client.submit("crawl", {"url": "x"}, idempotency_key="k"), dict[str, Any])
        assert_type(await client.task("t1"), dict[str, Any])
        assert_type(await client.tasks(kind="crawl", status="error", since=1.5, limit=5), list[dict[str, Any]])
        assert_type(await client.tasks(kind=["crawl", "bulk"], tag="eu", text="x", owner="ann"), list[dict[str, Any]])
        async for task in client.all_tasks(status=("error", "cancelled")):
            assert_type(task, dict[str, Any])
        async for page in client.task_pages(limit=100, before=2.5, cursor="c"):
            assert_type(page, TaskPage)
            assert_type((page.tasks, page.cursor), tuple[list[dict[str, Any]], str | None])
        assert_type(await client.kinds(), list[dict[str, Any]])
        assert_type(await client.upload("a.csv", on_sent=lambda sent, size: None), UploadedFile)
        assert_type((await client.upload("a.csv", name="b")).file, str)
        assert_type(await client.processors(), list[dict[str, Any]])
        assert_type(await client.dead_letters(kind="crawl", limit=5, cursor="7"), DeadLetterPage)
        assert_type((await client.dead_letters()).cursor, str | None)
        assert_type(await client.dead_letter("7"), dict[str, Any])
        assert_type(await client.resubmit("7", {"url": "x"}, "key"), dict[str, Any])
        assert_type(await client.drop_dead_letter("7"), dict[str, Any])
        assert_type(await client.cancel("t1", "no longer needed"), dict[str, Any])
        assert_type(await client.retry("t1"), dict[str, Any])
        await client.retry("t1", {"url": "https://example.org/"})
        await client.retry("t1", resume=True)
        await client.retry("t1", True)  # type: ignore[arg-type]
        assert_type(await client.submit("crawl", title="Night", tags=["a"]), dict[str, Any])
        assert_type(await client.submit("crawl", unique="key", join=True), dict[str, Any])
        assert_type(await client.submit("crawl", run_at=1.8e9), dict[str, Any])
        assert_type(await client.submit("crawl", run_at=datetime.now(UTC)), dict[str, Any])
        await client.submit("crawl", run_at="tomorrow")  # type: ignore[arg-type]
        assert_type(await client.result_json("t1"), bytes)
        assert_type(await client.stream_token("t1", "t2"), str)
        assert_type((await client.wait("t1", timeout_seconds=60))["status"], Any)
        async for seen in client.watch("t1", "t2", cursor="c", merge=False, patience_seconds=60, on_drop=dropped):
            assert_type(seen, Watched)
            assert_type((seen.event, seen.data, seen.cursor), tuple[str, dict[str, Any], str])
            assert_type((seen.task, seen.terminal), tuple[str, bool])
    try:
        await client.close()
    except ClientError as error:
        assert_type(error.status, int | None)


def script() -> None:
    with SyncClient("http://127.0.0.1:8000", token=lambda: sign_token("secret", "ann", org="acme")) as client:
        assert_type(client, SyncClient)
        assert_type(client.with_token("t"), SyncClient)
        assert_type(client.submit("crawl", {"url": "x"}, title="Night", tags=("a",)), dict[str, Any])
        assert_type(client.tasks(kind="crawl"), list[dict[str, Any]])
        assert_type(client.wait("t1", timeout_seconds=60), dict[str, Any])
        assert_type(client.dead_letters().dead_letters, list[dict[str, Any]])
        assert_type(client.resubmit("7"), dict[str, Any])
        for seen in client.watch("t1", "t2", timeout_seconds=60, on_drop=dropped):
            assert_type(seen, Watched)
    try:
        client.close()
    except ClientError as error:
        assert_type(error.hint, str)


def sync_errors(client: SyncClient) -> None:
    client.submit("crawl", tags="a", title=1)  # type: ignore[arg-type]
    client.wait("t1", 60)  # type: ignore[call-arg]
    sign_token(b"secret", "ann")  # type: ignore[arg-type]


async def errors(client: Client, seen: Watched) -> None:
    Client(8000)  # type: ignore[arg-type]
    await client.submit()  # type: ignore[call-arg]
    await client.submit("crawl", ["x"])  # type: ignore[arg-type]
    client.submit("crawl")  # type: ignore[unused-coroutine]
    await client.tasks("crawl")  # type: ignore[call-arg, arg-type]
    await client.watch("t1")  # type: ignore[misc]
    client.watch("t1", on_drop=print_only)  # type: ignore[arg-type]
    seen.terminal = True  # type: ignore[misc]


def print_only(reason: str) -> None:
    """It takes no pause."""


async def reports(client: Client) -> None:
    async with Report(client, "import", title="Night", tags=["eu"], id="n1", on_cancel=print) as report:
        assert_type(report, Report)
        assert_type(report.task, str)
        assert_type(report.cancel_reason, str | None)
        report.update(50, "half", done=1, total=2.0, unit="rows")
        report.step("load", total=5)
        report.log("text", "warning", logger="import")
        report.chunk("text")
        report.set_result({"rows": 5})
        assert_type(await report.end("error", "no luck", error="ExitCode"), bool)


async def report_errors(client: Client, sync_client: SyncClient) -> None:
    Report(sync_client, "import")  # type: ignore[arg-type]
    Report(client)  # type: ignore[call-arg]
    report = Report(client, "import", tag="eu")  # type: ignore[call-arg]
    report.log("text", "loud")  # type: ignore[arg-type]
    await report.end("lost")  # type: ignore[arg-type]
