"""The settings decide which mode there is, and where keys come from."""

import json

import pytest

from headway.errors import SettingsError
from headway_streamer.access.access import Access
from headway_streamer.access.authenticators import ForwardedIdentity, NoAuthentication, TokenAuthentication
from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens

pytestmark = pytest.mark.security


async def fetch(url):
    raise AssertionError(url)


def test_each_mode_has_its_authenticator():
    jwt = AccessSettings(access="jwt", jwt_secret=tokens.SECRET)
    forward = AccessSettings(access="forward", forward_peers=("10.0.0.1",))
    found = [type(Access(settings).authenticator) for settings in (AccessSettings(), jwt, forward)]
    assert found == [NoAuthentication, TokenAuthentication, ForwardedIdentity]
    assert [Access(settings).open for settings in (AccessSettings(), jwt, forward)] == [True, False, False]


def test_keys_come_from_a_file(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(tokens.public_keys(tokens.EC)))
    assert Access(AccessSettings(access="jwt", jwt_keys_file=str(path), jwt_issuer="i"), fetch).issuer_keys is None
    with pytest.raises(SettingsError):
        Access(AccessSettings(access="jwt", jwt_keys_file=str(tmp_path), jwt_issuer="i"))


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"jwt_jwks_url": "https://i/keys"}, "https://i/keys"),
        ({"jwt_discovery": True}, "https://i/realm/.well-known/openid-configuration"),
    ],
)
async def test_keys_come_from_the_issuer(given, url):
    asked = []

    async def noting(wanted):
        asked.append(wanted)
        raise TimeoutError

    access = Access(AccessSettings(access="jwt", jwt_issuer="https://i/realm/", **given), noting)
    with pytest.raises(TimeoutError):
        await access.keep_keys_fresh()
    assert asked == [url]


@pytest.mark.parametrize("given", [{"jwt_jwks_url": "https://i/keys"}, {"jwt_discovery": True}])
def test_the_url_of_an_issuer_is_all_that_is_needed(given):
    """As a streamer checks its settings before it starts any process."""
    assert Access(AccessSettings(access="jwt", jwt_issuer="https://i/realm/", **given)).issuer_keys is not None


async def test_without_an_issuer_nothing_is_kept_fresh():
    assert await Access(AccessSettings(), fetch).keep_keys_fresh() is None


def test_stream_tokens_need_a_secret():
    assert Access(AccessSettings()).stream_tokens is None
    assert Access(AccessSettings(stream_token_secrets=("s" * 32,))).stream_tokens is not None
