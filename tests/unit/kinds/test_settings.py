"""The settings of the bundled kinds are those of the environment that are theirs."""

import pytest

from headway.errors import SettingsError
from headway_kinds.settings import (
    CRAWL_ALLOW_VARIABLE,
    DATA_DIR_VARIABLE,
    DOWNLOAD_SECONDS_VARIABLE,
    Settings,
    read,
)


def test_they_are_read_beside_those_of_the_processor():
    environ = {DATA_DIR_VARIABLE: "/data", CRAWL_ALLOW_VARIABLE: "a, b:8080", "HEADWAY_PROCESSOR_OPS_PORT": "0"}
    assert read(environ) == Settings(data_dir="/data", crawl_allow=("a", "b:8080"))
    assert read({}) == Settings()


def test_their_variables_are_named_by_their_fields():
    variables = {f"HEADWAY_PROCESSOR_{name.upper()}" for name in Settings.__struct_fields__}
    assert {DATA_DIR_VARIABLE, CRAWL_ALLOW_VARIABLE, DOWNLOAD_SECONDS_VARIABLE} <= variables


@pytest.mark.parametrize("name", ["PAGE_SECONDS", "CRAWL_SECONDS", "DOWNLOAD_SECONDS", "GENERATE_IDLE_SECONDS"])
def test_every_wait_has_an_end(name):
    with pytest.raises(SettingsError, match=f"HEADWAY_PROCESSOR_{name} must be above 0"):
        read({f"HEADWAY_PROCESSOR_{name}": "0"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BASE_URL", "127.0.0.1/v1", "must begin with http"),
        ("LIMIT_NAME", "n", "one of max_tokens, max_completion_tokens"),
        ("MAX_TOKENS", "0", "at least 1"),
        ("CONCURRENCY", "0", "at least 1"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name, value, said):
    with pytest.raises(SettingsError, match=f"HEADWAY_PROCESSOR_GENERATE_{name}.*{said}"):
        read({f"HEADWAY_PROCESSOR_GENERATE_{name}": value})
