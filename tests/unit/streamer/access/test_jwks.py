"""The keys of an issuer survive its outages, and new ones are found."""

import asyncio

import pytest
from joserfc.jwk import ECKey

from headway.service.supervisor import cancel_and_wait
from headway_streamer.access.jwks import REFRESH_SECONDS, RETRY_SECONDS, UNKNOWN_KID_SECONDS, FetchError, IssuerKeys
from tests.fixtures import tokens

pytestmark = [pytest.mark.security, pytest.mark.looptime]
URL = "https://issuer.example/jwks"


class Issuer:
    """An issuer that serves a set of keys, or nothing."""

    def __init__(self, *keys):
        self.keys, self.reachable, self.fetches = list(keys), True, []

    async def fetch(self, url):
        self.fetches.append(url)
        if not self.reachable:
            raise FetchError("unreachable")
        if url.endswith("configuration"):
            return {"jwks_uri": URL}
        return tokens.public_keys(*self.keys)


@pytest.fixture
async def started():
    """Starts reading the keys of an issuer."""
    tasks = []

    async def start(issuer, url=URL, **options):
        keys = IssuerKeys(url, issuer.fetch, **options)
        tasks.append(asyncio.create_task(keys.keep_fresh()))
        await asyncio.sleep(0.1)
        return keys

    yield start
    for task in tasks:
        await cancel_and_wait(task)


async def test_keys_are_read_at_once_and_again_every_five_minutes(started):
    issuer = Issuer(tokens.EC)
    keys = await started(issuer)
    assert keys.find("ES256", "ec").kid == "ec"
    await asyncio.sleep(3 * REFRESH_SECONDS)
    assert len(issuer.fetches) == 4


async def test_the_last_keys_stay_valid_while_the_issuer_cannot_be_reached(started):
    issuer = Issuer(tokens.EC)
    keys = await started(issuer)
    issuer.reachable = False
    await asyncio.sleep(10 * REFRESH_SECONDS)
    assert keys.find("ES256", "ec") is not None
    assert len(issuer.fetches) > 100
    issuer.reachable, issuer.keys = True, [tokens.RSA]
    await asyncio.sleep(RETRY_SECONDS)
    assert keys.find("RS256", "rsa") is not None
    assert keys.find("ES256", "ec") is None


@pytest.mark.parametrize("answer", [{}, [], {"keys": []}, "x"])
async def test_an_answer_without_keys_changes_nothing(started, answer):
    issuer = Issuer(tokens.EC)
    keys = await started(issuer)

    async def odd(url):
        return answer

    keys._fetch = odd
    await asyncio.sleep(REFRESH_SECONDS)
    assert keys.find("ES256", "ec") is not None


async def test_tokens_that_come_before_the_keys_delay_no_new_key(started):
    issuer = Issuer(tokens.EC)
    issuer.reachable = False
    keys = await started(issuer)
    assert keys.find("ES256", "ec") is None
    issuer.reachable = True
    await asyncio.sleep(RETRY_SECONDS)
    issuer.keys.append(ECKey.generate_key("P-256", {"kid": "new"}))
    assert keys.find("ES256", "new") is None
    await asyncio.sleep(0.1)
    assert keys.find("ES256", "new") is not None


async def test_a_new_key_is_found_soon_after_a_token_names_it(started):
    issuer = Issuer(tokens.EC)
    keys = await started(issuer)
    issuer.keys.append(ECKey.generate_key("P-256", {"kid": "new"}))
    assert keys.find("ES256", "new") is None
    await asyncio.sleep(0.1)
    assert keys.find("ES256", "new").kid == "new"


async def test_many_unknown_kids_cause_few_readings(started):
    issuer = Issuer(tokens.EC)
    keys = await started(issuer)
    for number in range(1000):
        assert keys.find("ES256", f"unknown{number}") is None
        await asyncio.sleep(0.01)
    assert len(issuer.fetches) == 2
    await asyncio.sleep(UNKNOWN_KID_SECONDS)
    assert len(issuer.fetches) == 3
    assert keys.find("ES256", "unknown") is None
    await asyncio.sleep(0.1)
    assert len(issuer.fetches) == 3


async def test_a_new_key_is_read_within_a_minute_although_unknown_kids_were_named_before(started, security_figures):
    issuer = Issuer(tokens.EC)
    keys = await started(issuer)
    keys.find("ES256", "unknown")
    await asyncio.sleep(1)
    issuer.keys.append(ECKey.generate_key("P-256", {"kid": "new"}))
    asked = asyncio.get_running_loop().time()
    assert keys.find("ES256", "new") is None  # and nobody asks again until it is there
    while "new" not in keys._kids:
        await asyncio.sleep(1)
    seconds = asyncio.get_running_loop().time() - asked
    security_figures(13, "a rotated key, after unknown kids", seconds=round(seconds), readings=len(issuer.fetches))
    assert seconds <= UNKNOWN_KID_SECONDS


async def test_the_discovery_document_names_the_set(started):
    issuer = Issuer(tokens.EC)
    keys = await started(issuer, "https://issuer.example/.well-known/openid-configuration", discovery=True)
    assert keys.find("ES256", "ec") is not None
    assert issuer.fetches[-1] == URL


@pytest.mark.parametrize(
    "document", [[], {}, {"jwks_uri": 7}, {"jwks_uri": "http://evil.example/"}, {"jwks_uri": "file:///"}]
)
async def test_a_discovery_document_without_a_safe_url_gives_no_keys(started, document):
    async def fetch(url):
        assert url == "https://issuer.example/"
        return document

    keys = IssuerKeys("https://issuer.example/", fetch, discovery=True)
    task = asyncio.create_task(keys.keep_fresh())
    await asyncio.sleep(0.1)
    assert keys.find("ES256", "ec") is None
    await cancel_and_wait(task)


async def test_others_run_while_a_large_set_is_read():
    issuer, turns = Issuer(*(ECKey.generate_key("P-256", {"kid": str(number)}) for number in range(40))), []

    async def count():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    assert await IssuerKeys(URL, issuer.fetch)._read()
    counting.cancel()
    assert len(turns) >= 40
