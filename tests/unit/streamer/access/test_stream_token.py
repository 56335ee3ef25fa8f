"""Stream tokens read the tasks that they are bound to."""

import pytest

from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.minter import LIFE_SECONDS, Minter
from headway_streamer.access.principal import ALL, READ, SUBMIT, Principal
from headway_streamer.access.stream_token import TYPE, StreamTokens
from tests.fixtures import tokens

pytestmark = pytest.mark.security
ANN = Principal("ann", "acme", frozenset((SUBMIT, READ, ALL)), token="t1")


def now():
    return tokens.NOW


@pytest.mark.parametrize("scopes", [(READ,), (READ, ALL)])
def test_it_carries_its_owner_and_tasks_and_may_only_read(scopes):
    minter = StreamTokens([tokens.SECRET], clock=now)
    found = minter.principal(minter.mint(ANN._replace(scopes=frozenset((SUBMIT, *scopes))), ["a", "b"]))
    expected = {"scopes": frozenset(scopes), "expires": tokens.NOW + LIFE_SECONDS, "tasks": frozenset("ab")}
    assert found == ANN._replace(**expected)


@pytest.mark.parametrize("claims", [{}, {"sub": "a", "tenant": "", "all": False, "of": "", "tasks": 7}])
def test_one_that_lacks_a_claim_is_refused(claims):
    token = Minter(TYPE, [tokens.SECRET], clock=now).mint(claims, float("inf"))
    with pytest.raises(UnauthenticatedError, match="lacks"):
        StreamTokens([tokens.SECRET], clock=now).principal(token)
