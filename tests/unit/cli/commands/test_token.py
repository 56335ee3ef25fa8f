"""`headway token` signs what a streamer with the same environment accepts."""

import pytest
from click.testing import CliRunner

from headway.cli.group import cli
from headway.service.settings import load
from headway_streamer.access.authenticators import Caller
from headway_streamer.access.credentials import Credentials
from headway_streamer.access.settings import PREFIX, AccessSettings
from tests.fixtures.access import memory_access

pytestmark = pytest.mark.security
SECRET = "a secret of sufficient length for tokens"


def minted(environ, *words):
    done = CliRunner().invoke(cli, ["token", *words], env=environ, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    access = memory_access(load(AccessSettings, PREFIX, environ))
    return access.authenticator.principal(Caller(Credentials(bearer=done.output.strip()), [], ""))


@pytest.mark.parametrize(
    "more",
    [{}, {"JWT_ISSUER": "https://i", "JWT_AUDIENCE": "a", "CLAIM_OWNER": "email", "CLAIM_TENANT": "org"}],
    ids=str,
)
def test_a_streamer_of_the_same_environment_accepts_the_token(more):
    environ = {PREFIX + name: value for name, value in ({"ACCESS": "jwt", "JWT_SECRET": SECRET} | more).items()}
    found = minted(environ, "--owner", "ann", "--tenant", "acme", "--scope", "tasks:read", "--scope", "tasks:all")
    assert (found.owner, found.tenant) == ("ann", "acme" if more else "")
    assert found.scopes == {"tasks:read", "tasks:all"}


def test_a_token_is_written_to_a_file_that_its_owner_alone_reads(tmp_path):
    file = tmp_path / "token"
    done = CliRunner().invoke(cli, ["token", "--output", str(file)], env={PREFIX + "JWT_SECRET": SECRET})
    assert (done.exit_code, done.output) == (0, "")
    assert file.read_text().count(".") == 2
    assert file.stat().st_mode & 0o077 == 0


def test_the_lack_of_a_secret_is_said():
    done = CliRunner().invoke(cli, ["token"], env={PREFIX + "JWT_SECRET": ""})
    assert done.exit_code == 2
    assert "HEADWAY_STREAMER_JWT_SECRET is not set" in done.output
