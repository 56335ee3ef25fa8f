"""Tokens of one type are no tokens of another."""

import msgspec
import pytest
from joserfc import jwt

from headway.errors import UnavailableError
from headway.testing import MemoryBucket
from headway_streamer.access import minter as module
from headway_streamer.access.errors import UnauthenticatedError
from headway_streamer.access.keys import StaticKeys
from headway_streamer.access.minter import LIFE_SECONDS, Claims, Minter
from headway_streamer.access.signing_keys import SigningKeys
from tests.fixtures import tokens
from tests.fixtures.access import signing_keys

pytestmark = pytest.mark.security


@pytest.fixture
async def keys():
    return await signing_keys(lambda: tokens.NOW)


def minter(keys, *, type="a+jwt", after=0.0):
    return Minter(type, Claims, keys, clock=lambda: tokens.NOW + after)


def said():
    return Claims(sub="ann", tenant="acme", jti="j", of=("t1",), issued=1.0)


def test_claims_come_back_until_the_token_expires(keys):
    token = minter(keys).mint(said(), float("inf"))
    found = minter(keys, after=LIFE_SECONDS - 1).claims(token)
    assert msgspec.structs.replace(found, exp=0) == said()
    with pytest.raises(UnauthenticatedError):
        minter(keys, after=LIFE_SECONDS + 60).claims(token)


def test_it_is_a_json_web_token(keys):
    token = jwt.decode(minter(keys).mint(said(), tokens.NOW + 60), keys.current(), algorithms=["HS256"])
    assert token.header == {"alg": "HS256", "typ": "a+jwt", "kid": keys.current().kid}
    assert token.claims == msgspec.to_builtins(said()) | {"of": ["t1"], "exp": tokens.NOW + 60}


@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"alg": "HS512"}, {"typ": "A+JWT"}, {"jwk": {}}, {"crit": []}, {"kid": "other"}, {"kid": None}],
    ids=str,
)
def test_a_header_that_no_streamer_writes_is_refused(keys, header):
    """Even with the signature of the key, and after a good token was read."""
    good = minter(keys)
    assert good.claims(good.mint(said(), float("inf")))
    written = {"alg": "HS256", "typ": "a+jwt", "kid": keys.current().kid} | header
    body = msgspec.to_builtins(said()) | {"exp": tokens.NOW + 60}
    with pytest.raises(UnauthenticatedError):
        good.claims(tokens.forged(written, keys.current().raw_value, body))


@pytest.mark.parametrize(
    "odd",
    ["", ".", "..", "a.b", "a.b.c.d", "a.b.c", "!!.e30.AA", "e30.e30.AA", "Ww.e30.", "é.é.é", "x" * 9000],
)
def test_what_is_not_a_token_is_refused(keys, odd):
    with pytest.raises(UnauthenticatedError):
        minter(keys).claims(odd)


def test_another_spelling_of_the_signature_is_refused(keys):
    """The last letter of base64url has bits that mean nothing."""
    token = minter(keys).mint(said(), float("inf"))
    others = [token[:-1] + letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    for other in (*others, token + "="):
        if other != token:
            with pytest.raises(UnauthenticatedError):
                minter(keys).claims(other)


def test_a_token_never_outlives_the_one_that_it_was_made_for(keys):
    assert minter(keys).claims(minter(keys).mint(said(), tokens.NOW + 60)).exp == tokens.NOW + 60


@pytest.mark.parametrize("odd", [{}, {"sub": 7}, {"exp": None}, {"of": "t1"}, {"issued": "now"}], ids=str)
def test_one_whose_claims_are_odd_is_refused(keys, odd):
    one, key = minter(keys), keys.current()
    body = msgspec.to_builtins(said()) | {"exp": tokens.NOW + 60} | odd if odd else {}
    signed = f"{one._header(key.kid)}.{module._text(msgspec.json.encode(body))}"
    with pytest.raises(UnauthenticatedError, match="ValidationError"):
        one.claims(f"{signed}.{module._signature(signed, key)}")


async def test_tokens_of_other_keys_are_refused(keys):
    token = minter(await signing_keys(lambda: tokens.NOW)).mint(said(), float("inf"))
    with pytest.raises(UnauthenticatedError, match="no key"):
        minter(keys).claims(token)


def test_before_keys_are_known_nothing_is_minted():
    with pytest.raises(UnavailableError):
        minter(SigningKeys(MemoryBucket())).mint(said(), float("inf"))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_tokens_of_other_types_are_refused(keys):
    token = minter(keys).mint(said(), float("inf"))
    for other in (token, tokens.token("hmac"), tokens.signed(typ="b+jwt"), tokens.signed(typ="JWT")):
        for known in (keys, StaticKeys([tokens.HMAC])):
            with pytest.raises(UnauthenticatedError):
                minter(known, type="b+jwt").claims(other)
