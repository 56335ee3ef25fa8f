"""The token goes with each request."""

import httpx
import pytest

from headway.client import Client

pytestmark = pytest.mark.security


@pytest.fixture
def seen():
    return []


def client(seen, **options):
    def answer(request):
        seen.append(request.headers.get("Authorization"))
        return httpx.Response(200, json={"kinds": []})

    return Client("http://127.0.0.1", transport=httpx.MockTransport(answer), **options)


async def test_a_token_is_sent(seen):
    async with client(seen, token="abc") as one:
        await one.kinds()
    assert seen == ["Bearer abc"]


async def test_a_function_is_asked_for_each_request(seen):
    tokens = iter(["a", "b", ""])
    async with client(seen, token=lambda: next(tokens)) as one:
        for _ in range(3):
            await one.kinds()
    assert seen == ["Bearer a", "Bearer b", None]


async def test_without_a_token_none_is_sent(seen):
    async with client(seen) as one:
        await one.kinds()
    assert seen == [None]


async def test_another_token_is_for_the_client_that_was_made_with_it(seen):
    async with client(seen, token="abc") as one:
        await one.with_token("def").kinds()
        await one.kinds()
    assert seen == ["Bearer def", "Bearer abc"]
