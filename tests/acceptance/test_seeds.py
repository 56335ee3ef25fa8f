"""The clients of the two documents that the product is made from, unchanged, in a real Chromium."""

import json

import pytest

pytestmark = pytest.mark.browser

DEMO = {
    "steps": [{"name": "Fetching", "seconds": 0.4, "ticks": 4}, {"name": "Analysing", "seconds": 0.4, "ticks": 4}],
    "result": {"answer": 42},
}
FAILING = {
    "steps": [{"name": "Fetching", "seconds": 0.2, "ticks": 2, "fail": {"message": "no luck", "retryable": False}}]
}

# The first document's hook, with React's state as plain variables: an EventSource with only onmessage.
HOOK = """
async (endpoint) => {
  const seen = [];
  let isConnected = false;
  const setProgress = (update) => seen.push(update);
  const setIsConnected = (value) => { isConnected = value; };
  const token = "gateway-token";
  await new Promise((resolve) => {
    const eventSource = new EventSource(`${endpoint}&token=${token}`, { withCredentials: true });
    setIsConnected(true);
    eventSource.onmessage = (event) => {
      const update = JSON.parse(event.data);
      setProgress(update);
      if (update.status === "completed" || update.status === "error") {
        eventSource.close();
        setIsConnected(false);
        resolve();
      }
    };
    eventSource.onerror = () => {
      eventSource.close();
      setIsConnected(false);
      setProgress({ status: "error", progress: 0, message: "Connection lost" });
      resolve();
    };
  });
  return { seen, isConnected };
}
"""

# The second document's function.
STREAM_STATUS = """
(taskId) => new Promise((resolve, reject) => {
  const seen = [];
  const updateProgressBar = (data) => seen.push(data);
  function streamStatus(taskId) {
    const eventSource = new EventSource(`/tasks/${taskId}/stream`);
    eventSource.onmessage = function(event) {
      const data = JSON.parse(event.data);
      updateProgressBar(data);
      if (data.status === 'SUCCESS' || data.status === 'FAILURE') {
        eventSource.close();
        resolve(seen);
      }
    };
    eventSource.onerror = function(err) {
      console.error("Stream failed:", err);
      eventSource.close();
      reject(new Error("Stream failed"));
    };
  }
  streamStatus(taskId);
})
"""


async def blank_page(page, url):
    """A page of the streamer's origin that has nothing on it."""
    await page.route("**/blank", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    await page.goto(f"{url}/blank")


async def submit(http, url, params):
    reply = await http.post(f"{url}/api/v1/tasks", json={"kind": "script", "params": params})
    return reply.json()["task"]


@pytest.mark.parametrize(("params", "last"), [(DEMO, "completed"), (FAILING, "error")])
async def test_the_first_documents_hook_works_unchanged(shared, page, params, last):
    await blank_page(page, shared.s1.url)
    query = "&".join(f"{name}={json.dumps(value)}" for name, value in params.items())
    result = await page.evaluate(HOOK, f"/api/v1/process/stream?kind=script&{query}")
    seen = result["seen"]
    assert not result["isConnected"]
    assert seen[-1]["status"] == last
    assert all(isinstance(u["progress"], int | float) and isinstance(u["message"], str) for u in seen)
    assert {u["step"] for u in seen} >= {"Fetching"}
    percents = [u["progress"] for u in seen]
    assert percents == sorted(percents)
    if last == "completed":
        assert (seen[-1]["progress"], seen[-1]["data"]) == (100, {"answer": 42})
        assert len(seen) >= 5
    else:
        assert seen[-1]["message"] == "no luck"


@pytest.mark.parametrize(("params", "last"), [(DEMO, "SUCCESS"), (FAILING, "FAILURE")])
async def test_the_second_documents_function_works_unchanged(shared, http, page, params, last):
    await blank_page(page, shared.s2.url)
    seen = await page.evaluate(STREAM_STATUS, await submit(http, shared.s1.url, params))
    statuses = [u["status"] for u in seen]
    assert statuses[-1] == last
    assert set(statuses) <= {"PENDING", "STARTED", "PROGRESS", "SUCCESS", "FAILURE"}
    if last == "SUCCESS":
        assert seen[-1]["data"] == {"answer": 42}


async def test_a_native_eventsource_stops_for_good_after_the_end(shared, http, page):
    await blank_page(page, shared.s1.url)
    task = await submit(http, shared.s1.url, DEMO)
    opened = await page.evaluate(
        """(task) => new Promise((resolve) => {
            let opened = 0;
            const source = new EventSource(`/api/v1/tasks/${task}/stream`);
            source.onopen = () => { opened += 1; };
            source.onerror = () => { if (source.readyState === EventSource.CLOSED) resolve(opened); };
        })""",
        task,
    )
    assert opened == 1  # it was not closed by the page: the 204 on its return ended it


async def test_a_native_eventsource_returns_to_the_other_streamer_by_its_id(shared, http, page):
    await blank_page(page, shared.s1.url)
    task = await submit(http, shared.s1.url, DEMO)
    first = await page.evaluate(
        """(task) => new Promise((resolve) => {
            const source = new EventSource(`/api/v1/tasks/${task}/stream?merge=0`);
            source.onmessage = (event) => {
                const data = JSON.parse(event.data);
                if (data.n >= 3) { source.close(); resolve({ id: event.lastEventId, n: data.n }); }
            };
        })""",
        task,
    )
    await page.goto(f"{shared.s2.url}/blank")
    rest = await page.evaluate(
        """([task, cursor]) => new Promise((resolve) => {
            const seen = [];
            const source = new EventSource(`/api/v1/tasks/${task}/stream?merge=0&cursor=${cursor}`);
            const take = (event) => {
                const data = JSON.parse(event.data);
                seen.push(data.n);
                if (data.status === "completed") { source.close(); resolve(seen); }
            };
            source.onmessage = take;
            for (const name of ["chunk", "log"]) source.addEventListener(name, take);
        })""",
        [task, first["id"]],
    )
    assert rest == list(range(first["n"] + 1, rest[-1] + 1))
