"""What people do with an installation: submit tasks, and watch them through whatever happens to the pods."""

import asyncio
from contextlib import asynccontextmanager

import httpx

from tests.fixtures.condition import holds
from tests.fixtures.sse import Reader

TERMINAL = ("completed", "error", "cancelled")
NONE_OF = ("gaps", "duplicates", "non_200", "broken", "resets")


async def submit(http, pod, kind, params):
    """Submit a task and return its id."""
    return (await submit_for_browsers(http, pod, kind, params))[0]


async def submit_for_browsers(http, pod, kind, params):
    """Submit a task. Returns its id and the token for its stream, which is empty without access control."""
    reply = await http.post(f"{pod.service.url}/api/v1/tasks", json={"kind": kind, "params": params})
    assert reply.status_code == 202, reply.text
    return reply.json()["task"], reply.json().get("stream_token", "")


async def end_of(http, pod, task):
    """The last event of the task, read to its end as a stream."""
    reader = Reader(http)
    await reader.read(f"{pod.service.url}/api/v1/tasks/{task}/stream")
    return reader.log[-1]


class Watcher:
    """Follows a task as a browser does, at whichever address is given; counts what a browser would notice."""

    def __init__(self, http, address, task, token=""):
        self.reader = Reader(http)
        self.refused = self.broken = 0
        self._address = address
        self._path = f"/api/v1/tasks/{task}/stream?merge=0" + (f"&token={token}" if token else "")

    async def follow(self):
        while not self._over:
            try:
                await self.reader.read(f"{self._address()}{self._path}")
            except AssertionError:
                self.refused += 1
            except httpx.HTTPError:
                self.broken += 1

    @property
    def _over(self):
        return bool(self.reader.log) and self.reader.log[-1].get("status") in TERMINAL


@asynccontextmanager
async def watching(http, pods, steps, watchers, tasks=4):
    """Watchers of tasks that run, at all of the streamers; ends when they have seen all tasks end."""
    running = [await submit(http, pods[n % len(pods)], "script", {"steps": steps}) for n in range(tasks)]
    found = [Watcher(http, lambda n=n: pods[n % len(pods)].service.url, running[n % tasks]) for n in range(watchers)]
    following = [asyncio.ensure_future(watcher.follow()) for watcher in found]
    assert await holds(lambda: all(len(watcher.reader.log) > 2 for watcher in found), 20)
    yield found
    await asyncio.gather(*following)


def count(watchers):
    """What the watchers saw together."""
    readers = [watcher.reader for watcher in watchers]
    assert all(reader.numbers == sorted(reader.numbers) for reader in readers)
    return {
        "streams": len(watchers),
        "events": sum(len(reader.numbers) for reader in readers),
        "gaps": sum(set(reader.numbers) != set(range(1, max(reader.numbers) + 1)) for reader in readers),
        "duplicates": sum(len(reader.numbers) - len(set(reader.numbers)) for reader in readers),
        "non_200": sum(watcher.refused for watcher in watchers),
        "broken": sum(watcher.broken for watcher in watchers),
        "resets": sum(name == "reset" for reader in readers for name, _ in reader.events),
        "goodbyes": sum(name == "goodbye" for reader in readers for name, _ in reader.events),
    }
