"""Start tokens start one task of one kind."""

import pytest

from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.minter import Minter
from headway_streamer.access.principal import CANCEL, READ, SUBMIT, Principal
from headway_streamer.access.start_token import TYPE, StartTokens
from headway_streamer.access.stream_token import StreamTokens
from tests.fixtures import tokens

pytestmark = pytest.mark.security
ANN = Principal("ann", "acme", frozenset((SUBMIT, READ, CANCEL)), token="t1")


def now():
    return tokens.NOW


def test_it_may_submit_one_kind_and_read():
    starts = StartTokens([tokens.SECRET], clock=now)
    principal = starts.read(starts.mint(ANN, "crawl")).principal
    assert (principal.owner, principal.tenant, principal.token) == ("ann", "acme", "t1")
    assert [principal.may(action) for action in (SUBMIT, READ, CANCEL)] == [True, True, False]
    assert (principal.may_run("crawl"), principal.may_run("bulk")) == (True, False)


def test_each_has_a_key_of_its_own_that_stays():
    starts = StartTokens([tokens.SECRET], clock=now)
    one, other = starts.mint(ANN, "crawl"), starts.mint(ANN, "crawl")
    assert starts.read(one).key == starts.read(one).key != starts.read(other).key


def test_stream_tokens_and_start_tokens_are_not_the_same():
    starts, streams = StartTokens([tokens.SECRET], clock=now), StreamTokens([tokens.SECRET], clock=now)
    with pytest.raises(UnauthenticatedError):
        starts.read(streams.mint(ANN, ["t"]))
    with pytest.raises(UnauthenticatedError):
        streams.principal(starts.mint(ANN, "crawl"))


def test_one_that_lacks_a_claim_is_refused():
    token = Minter(TYPE, [tokens.SECRET], clock=now).mint({"sub": "ann"}, float("inf"))
    with pytest.raises(UnauthenticatedError, match="lacks"):
        StartTokens([tokens.SECRET], clock=now).read(token)
