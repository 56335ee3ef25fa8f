"""Values of installations with access control, and the secrets that these name."""

import time

from tests.fixtures import tokens

MODES = {
    "none": {},
    "jwt": {"config": {"access": "jwt", "jwtIssuer": tokens.ISSUER}, "access": {"existingSecret": "headway-tokens"}},
    "forward": {
        "config": {"access": "forward", "forwardPeers": ["127.0.0.1"], "forwardScopesHeader": "X-Forwarded-Scopes"}
    },
}
"""Values of the streamer by the mode."""
TOKEN = tokens.live_token(exp=int(time.time()) + 6 * 3600)  # made when tests are collected
"""An access token of an installation with the mode jwt."""


def secrets():
    """What somebody who installs the chart makes."""
    given = {
        "headway-tokens": {
            "jwt-secret": tokens.SECRET,
        },
        "test-token": {"token": TOKEN},
    }
    return [{"kind": "Secret", "metadata": {"name": name}, "stringData": data} for name, data in given.items()]
