"""The settings decide which mode there is, and where keys come from."""

import json

import pytest

from headway.errors import SettingsError
from headway_streamer.access.access import static_keys
from headway_streamer.access.authenticators import ForwardedIdentity, NoAuthentication, TokenAuthentication
from headway_streamer.access.principal import EVERYBODY
from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens
from tests.fixtures.access import memory_access

pytestmark = pytest.mark.security


async def fetch(url):
    raise AssertionError(url)


def test_each_mode_has_its_authenticator():
    jwt = AccessSettings(access="jwt", jwt_secret=tokens.SECRET)
    forward = AccessSettings(access="forward", forward_peers=("10.0.0.1",))
    found = [type(memory_access(settings).authenticator) for settings in (AccessSettings(), jwt, forward)]
    assert found == [NoAuthentication, TokenAuthentication, ForwardedIdentity]
    assert [memory_access(settings).open for settings in (AccessSettings(), jwt, forward)] == [True, False, False]


def test_keys_come_from_a_file(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(tokens.public_keys(tokens.EC)))
    assert (
        memory_access(AccessSettings(access="jwt", jwt_keys_file=str(path), jwt_issuer="i"), fetch).issuer_keys is None
    )
    unreadable = AccessSettings(access="jwt", jwt_keys_file=str(tmp_path), jwt_issuer="i")
    for check in (memory_access, static_keys):
        with pytest.raises(SettingsError):
            check(unreadable)


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

    access = memory_access(AccessSettings(access="jwt", jwt_issuer="https://i/realm/", **given), noting)
    with pytest.raises(TimeoutError):
        await access.issuer_keys.keep_fresh()
    assert asked == [url]


@pytest.mark.parametrize("given", [{"jwt_jwks_url": "https://i/keys"}, {"jwt_discovery": True}])
def test_the_url_of_an_issuer_is_all_that_is_needed(given):
    """As a streamer checks its settings before it starts any process."""
    settings = AccessSettings(access="jwt", jwt_issuer="https://i/realm/", **given)
    assert static_keys(settings).find("ES256", None) is None
    assert memory_access(settings).issuer_keys is not None


def test_each_mode_has_the_root_tasks_that_it_needs():
    def roots(settings):
        made = memory_access(settings, fetch).roots()
        for root in made.values():
            root.close()
        return set(made)

    shared = {"token_keys", "revocations"}
    assert roots(AccessSettings()) == set()
    assert roots(AccessSettings(access="jwt", jwt_secret=tokens.SECRET)) == shared
    assert roots(AccessSettings(access="jwt", jwt_jwks_url="https://i/k", jwt_issuer="i")) == {"issuer_keys"} | shared


async def test_it_is_ready_once_it_has_read_what_streamers_share():
    assert memory_access().ready
    access = memory_access(AccessSettings(access="jwt", jwt_secret=tokens.SECRET))
    seen = [access.ready]
    await access.revocations.read()
    seen.append(access.ready)
    await access.signing_keys.refresh()
    assert [*seen, access.ready] == [False, False, True]


def test_without_access_control_no_token_is_minted():
    assert (memory_access().stream_token(EVERYBODY, ["t"]), memory_access().start_token(EVERYBODY, "k")) == ("", "")
