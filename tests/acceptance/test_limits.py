"""A native EventSource in Chromium over a limit of streams: it waits for its place."""

import pytest

from headway.service.retry import retry
from tests.fixtures.http import run_streamer
from tests.fixtures.nats import run_nats

pytestmark = [pytest.mark.browser, pytest.mark.security]

WAITING = """(url) => new Promise((resolve) => {
  const seen = [];
  const first = new EventSource(url);
  first.onmessage = () => {
    const second = new EventSource(url);
    second.addEventListener('goodbye', (event) => { seen.push(JSON.parse(event.data).reason); first.close(); });
    second.onmessage = () => { seen.push('message'); second.close(); resolve(seen); };
    second.onerror = () => { if (second.readyState === EventSource.CLOSED) resolve([...seen, 'closed']); };
    first.onmessage = null;
  };
})"""


async def test_a_native_eventsource_over_its_limit_returns_and_gets_the_place(
    tmp_path, page, monkeypatch, security_figures
):
    monkeypatch.setattr("headway_streamer.watch.admission.retry_ms", lambda: 100)
    with run_nats(tmp_path) as server:
        async with run_streamer(server.url, "hw", max_watchers_per_address=1) as streamer:
            # Ready does not mean that a processor, here the fixture, has created every bucket.
            record, _ = await retry(lambda: streamer.components.task_store.submit("k", b"{}", key="one"))
            await page.route("**/blank", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
            await page.goto(f"{streamer.url}/blank")
            answers = []
            page.on("response", lambda answer: answers.append(answer.status))
            seen = await page.evaluate(WAITING, f"/api/v1/tasks/{record.task}/stream")
    assert seen[0] == "limit"
    assert seen[-1] == "message"
    assert set(answers) == {200}
    security_figures(16, "an EventSource over its limit", refused=seen.count("limit"), opened=1)
