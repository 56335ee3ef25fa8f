"""Settings of access control that contradict themselves are errors that say what to do."""

import pytest

from headway.errors import SettingsError
from headway.service.settings import load
from headway_streamer.access.settings import PREFIX, AccessSettings

pytestmark = pytest.mark.security
SECRET = "s" * 32
SIGN_IN = {
    "ACCESS": "jwt",
    "JWT_SECRET": SECRET,
    "JWT_ISSUER": "https://i",
    "OIDC_CLIENT_ID": "headway",
    "OIDC_CLIENT_SECRET": "hush",
    "OIDC_REDIRECT_URI": "https://headway.example/tasks/session/callback",
}


def loaded(**variables):
    return load(AccessSettings, PREFIX, {PREFIX + name: value for name, value in variables.items()})


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"ACCESS": "none"},
        {"ACCESS": "jwt", "JWT_SECRET": SECRET},
        {"ACCESS": "jwt", "JWT_KEYS_FILE": "/k", "JWT_ISSUER": "i"},
        {"ACCESS": "jwt", "JWT_DISCOVERY": "true", "JWT_ISSUER": "https://i", "JWT_ALGORITHMS": "ES256,EdDSA"},
        {"ACCESS": "forward", "FORWARD_PEERS": "10.0.0.0/8, ::1", "DEFAULT_SCOPES": "tasks:read,kinds:crawl"},
        SIGN_IN,
        SIGN_IN | {"OIDC_REDIRECT_URI": "http://localhost:8000/session/callback"},
    ],
    ids=str,
)
def test_consistent_settings_are_taken(variables):
    assert loaded(**variables).access == variables.get("ACCESS", "none")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"ACCESS": "basic"}, "ACCESS"),
        ({"ACCESS": "jwt"}, "JWT_SECRET"),
        ({"ACCESS": "jwt", "JWT_SECRET": SECRET, "JWT_JWKS_URL": "https://i"}, "exactly one"),
        ({"ACCESS": "jwt", "JWT_JWKS_URL": "https://i"}, "JWT_ISSUER"),
        ({"ACCESS": "jwt", "JWT_SECRET": SECRET, "JWT_ALGORITHMS": "none"}, "JWT_ALGORITHMS"),
        ({"ACCESS": "forward"}, "FORWARD_PEERS"),
        ({"ACCESS": "forward", "FORWARD_PEERS": "gateway.example"}, "FORWARD_PEERS"),
        ({"ACCESS": "forward", "FORWARD_PEERS": "10.0.0.1/8"}, "FORWARD_PEERS"),
        ({"DEFAULT_SCOPES": "tasks:write"}, "DEFAULT_SCOPES"),
        ({"OIDC_CLIENT_ID": "headway"}, "OIDC_CLIENT_ID needs"),
        ({"ACCESS": "jwt", "JWT_SECRET": SECRET, "OIDC_CLIENT_ID": "headway"}, "JWT_ISSUER"),
        *(
            (SIGN_IN | {"OIDC_REDIRECT_URI": uri}, "OIDC_REDIRECT_URI")
            for uri in (
                "",
                "/session/callback",
                "http://headway.example/session/callback",
                "https://headway.example/callback",
                "https://headway.example/?/session/callback",
            )
        ),
        (SIGN_IN | {"OIDC_SCOPES": "tasks:read"}, "OIDC_SCOPES"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_errors(variables, named):
    with pytest.raises(SettingsError, match=named) as caught:
        loaded(**variables)
    assert SECRET not in str(caught.value)
