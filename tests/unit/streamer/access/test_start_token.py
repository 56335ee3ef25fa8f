"""Start tokens start one task of one kind."""

import pytest

from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.minter import Claims, Minter
from headway_streamer.access.principal import CANCEL, READ, SUBMIT, Principal
from headway_streamer.access.start_token import TYPE, StartTokens
from headway_streamer.access.stream_token import StreamTokens
from tests.fixtures import tokens
from tests.fixtures.access import signing_keys

pytestmark = pytest.mark.security
ANN = Principal("ann", "acme", frozenset((SUBMIT, READ, CANCEL)), tokens=("t1",), issued=5.0)


def now():
    return tokens.NOW


@pytest.fixture
async def keys():
    return await signing_keys(now)


async def test_it_may_submit_one_kind_and_read(keys):
    starts = StartTokens(keys, clock=now)
    principal = starts.read(starts.mint(ANN, "crawl")).principal
    assert (principal.owner, principal.tenant) == ("ann", "acme")
    assert [principal.may(action) for action in (SUBMIT, READ, CANCEL)] == [True, True, False]
    assert (principal.may_run("crawl"), principal.may_run("bulk")) == (True, False)


async def test_each_has_a_key_of_its_own_that_stays(keys):
    starts = StartTokens(keys, clock=now)
    one, other = starts.mint(ANN, "crawl"), starts.mint(ANN, "crawl")
    assert starts.read(one).key == starts.read(one).key != starts.read(other).key


async def test_it_can_be_revoked_by_itself_and_by_the_token_that_it_was_minted_with(keys):
    starts = StartTokens(keys, clock=now)
    one, other = (starts.read(starts.mint(ANN, "crawl")).principal for _ in range(2))
    assert one.tokens[1:] == other.tokens[1:] == ("t1",)
    assert one.tokens[0] != other.tokens[0]
    assert one.issued == ANN.issued  # that of its own beginning would outlive a revocation of the owner's


async def test_stream_tokens_and_start_tokens_are_not_the_same(keys):
    starts, streams = StartTokens(keys, clock=now), StreamTokens(keys, clock=now)
    with pytest.raises(UnauthenticatedError):
        starts.read(streams.mint(ANN, ["t"]))
    with pytest.raises(UnauthenticatedError):
        streams.principal(starts.mint(ANN, "crawl"))


async def test_one_that_lacks_a_claim_is_refused(keys):
    claims = Claims(sub="a", tenant="", jti="j", of=(), issued=0.0)
    token = Minter(TYPE, Claims, keys, clock=now).mint(claims, float("inf"))
    with pytest.raises(UnauthenticatedError, match="ValidationError"):
        StartTokens(keys, clock=now).read(token)
