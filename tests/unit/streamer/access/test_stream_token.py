"""Stream tokens read the tasks that they are bound to."""

import pytest

from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.minter import LIFE_SECONDS, Claims, Minter
from headway_streamer.access.principal import ALL, READ, SUBMIT, Principal
from headway_streamer.access.stream_token import TYPE, StreamTokens
from tests.fixtures import tokens
from tests.fixtures.access import signing_keys

pytestmark = pytest.mark.security
ANN = Principal("ann", "acme", frozenset((SUBMIT, READ, ALL)), tokens=("t1",), issued=5.0)


def now():
    return tokens.NOW


@pytest.fixture
async def keys():
    return await signing_keys(now)


@pytest.mark.parametrize("scopes", [(READ,), (READ, ALL)])
async def test_it_carries_its_owner_and_tasks_and_may_only_read(scopes, keys):
    minter = StreamTokens(keys, clock=now)
    found = minter.principal(minter.mint(ANN._replace(scopes=frozenset((SUBMIT, *scopes))), ["a", "b"]))
    expected = {"scopes": frozenset(scopes), "expires": tokens.NOW + LIFE_SECONDS, "tasks": frozenset("ab")}
    assert found == ANN._replace(**expected, tokens=(found.tokens[0], "t1"))
    assert found.tokens[0] != "t1"


async def test_one_that_lacks_a_claim_is_refused(keys):
    claims = Claims(sub="a", tenant="", jti="j", of=(), issued=0.0)
    token = Minter(TYPE, Claims, keys, clock=now).mint(claims, float("inf"))
    with pytest.raises(UnauthenticatedError, match="ValidationError"):
        StreamTokens(keys, clock=now).principal(token)
