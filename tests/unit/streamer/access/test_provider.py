"""The endpoints of a provider are read when somebody signs in."""

import asyncio

import pytest

from headway_streamer.access import provider
from headway_streamer.access.jwks import FetchError
from headway_streamer.access.provider import Endpoints, Provider

pytestmark = pytest.mark.security
ISSUER = "https://idp.example/realm"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
}


class Fake:
    """Answers with a document, or fails; `now` is its time."""

    def __init__(self, document=None):
        self.document, self.asked, self.now = document or DOCUMENT, [], 0.0
        self.provider = Provider(ISSUER, self.fetch, clock=lambda: self.now)

    async def fetch(self, url):
        self.asked.append(url)
        await asyncio.sleep(0)
        if self.document is None:
            raise FetchError("unreachable")
        return self.document


async def test_one_reading_serves_everybody_for_five_minutes():
    fake = Fake()
    found = await asyncio.gather(*(fake.provider.endpoints() for _ in range(10)))
    assert set(found) == {Endpoints(f"{ISSUER}/authorize", f"{ISSUER}/token")}
    assert fake.asked == [f"{ISSUER}/.well-known/openid-configuration"]
    fake.now = provider.KEEP_SECONDS
    await fake.provider.endpoints()
    assert len(fake.asked) == 2


async def test_the_last_endpoints_survive_an_outage():
    fake = Fake()
    found = await fake.provider.endpoints()
    fake.now, fake.document = provider.KEEP_SECONDS, None
    assert await fake.provider.endpoints() == found


async def test_an_unreachable_provider_is_not_asked_by_every_visit():
    fake = Fake()
    fake.document = None
    for _ in range(3):
        with pytest.raises(FetchError):
            await fake.provider.endpoints()
    assert len(fake.asked) == 1
    fake.now, fake.document = provider.RETRY_SECONDS, DOCUMENT
    assert (await fake.provider.endpoints()).token == f"{ISSUER}/token"


@pytest.mark.parametrize(
    "document",
    [
        ["a list"],
        DOCUMENT | {"issuer": "https://evil.example"},
        DOCUMENT | {"issuer": ISSUER + "/"},
        DOCUMENT | {"token_endpoint": "http://idp.example/token"},
        DOCUMENT | {"authorization_endpoint": "javascript:alert(1)"},
        DOCUMENT | {"authorization_endpoint": None},
        {"issuer": ISSUER},
    ],
)
async def test_a_document_of_another_issuer_or_without_https_is_refused(document):
    with pytest.raises(FetchError, match=ISSUER):
        await Fake(document).provider.endpoints()
