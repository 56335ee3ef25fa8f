"""Commands take their token from the environment or a file."""

import pytest

from headway.cli.token import read_token, token_source
from headway.errors import SettingsError

pytestmark = pytest.mark.security


def test_the_variable_takes_precedence_over_the_file(tmp_path):
    path = tmp_path / "token"
    path.write_text("from-file\n")
    assert read_token({}) == ""
    assert read_token({"HEADWAY_TOKEN_FILE": str(path)}) == "from-file"
    assert read_token({"HEADWAY_TOKEN": " abc ", "HEADWAY_TOKEN_FILE": str(path)}) == "abc"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SettingsError, match="HEADWAY_TOKEN_FILE"):
        read_token({"HEADWAY_TOKEN_FILE": str(tmp_path / "none")})


def test_the_variable_that_is_read_is_known():
    assert token_source({}) == token_source({"HEADWAY_TOKEN": " "}) == ""
    assert token_source({"HEADWAY_TOKEN_FILE": "/t"}) == "HEADWAY_TOKEN_FILE"
    assert token_source({"HEADWAY_TOKEN": "t", "HEADWAY_TOKEN_FILE": "/t"}) == "HEADWAY_TOKEN"
