"""Settings from the environment: typed, complete, and wrong ones are named."""

from typing import Annotated, Literal

import msgspec
import pytest

from headway.errors import SettingsError
from headway.service.settings import load


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    host: str = "localhost"
    port: int = 8000
    drain_seconds: float = 25.0
    page: bool = True
    limit: int | None = None
    origins: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0

    def __post_init__(self):
        if self.drain_seconds <= 0:
            raise SettingsError("X_DRAIN_SECONDS must be above 0 (seconds)")


class Needy(msgspec.Struct, frozen=True):
    token: str


def read(**environ: str) -> Sample:
    return load(Sample, "X_", environ)


def test_without_variables_every_field_has_its_default():
    assert read() == Sample()


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("X_HOST", "h", "host", "h"),
        ("X_HOST", "123", "host", "123"),
        ("X_PORT", "80", "port", 80),
        ("X_DRAIN_SECONDS", "0.5", "drain_seconds", 0.5),
        ("X_DRAIN_SECONDS", "5", "drain_seconds", 5.0),
        ("X_DRAIN_SECONDS", "inf", "drain_seconds", float("inf")),
        ("X_PAGE", "false", "page", False),
        ("X_PAGE", "0", "page", False),
        ("X_PAGE", "True", "page", True),
        ("X_LIMIT", "7", "limit", 7),
        ("X_LIMIT", "null", "limit", None),
        ("X_ORIGINS", "https://a, https://b,", "origins", ("https://a", "https://b")),
        ("X_ORIGINS", ",", "origins", ()),
        ("X_PORTS", "1,2", "ports", (1, 2)),
        ("X_SHARE", "0.5", "share", 0.5),
    ],
)
def test_a_variable_sets_its_field(variable, text, field, value):
    assert getattr(read(**{variable: text}), field) == value


def test_an_empty_variable_counts_as_unset():
    assert read(X_PORT="", X_ORIGINS="", X_NONSENSE="") == Sample()


def test_variables_of_others_are_not_looked_at():
    assert read(PATH="/bin", Y_PORT="1", XX_PORT="2", PORT="3", AX_PORT="4") == Sample()


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("X_PORT", "http"),
        ("X_PORT", "80.5"),
        ("X_PORT", "tcp://10.0.0.1:80"),
        ("X_PAGE", "perhaps"),
        ("X_DRAIN_SECONDS", "soon"),
        ("X_DRAIN_SECONDS", "nan"),
        ("X_PORTS", "1,x"),
        ("X_SHARE", "2"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_variable(variable, text):
    with pytest.raises(SettingsError, match=f"{variable}={text!r}: "):
        read(**{variable: text})


def test_a_check_of_the_struct_itself_is_a_settings_error():
    with pytest.raises(SettingsError, match="X_DRAIN_SECONDS must be above 0"):
        read(X_DRAIN_SECONDS="0")


def test_a_field_without_default_must_be_set():
    assert load(Needy, "X_", {"X_TOKEN": "t"}) == Needy("t")
    with pytest.raises(SettingsError, match="token"):
        load(Needy, "X_", {})


def test_a_misspelt_variable_is_refused_and_the_right_one_named():
    with pytest.raises(SettingsError, match=r"X_DRAIN_SECOND is not a setting; did you mean X_DRAIN_SECONDS\?"):
        read(X_DRAIN_SECOND="1")


def test_an_unknown_variable_is_answered_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"X_QQQQ is not a setting; known: drain_seconds, host, .*share"):
        read(X_QQQQ="1")


def test_variables_of_another_type_with_the_prefix_are_left_to_it():
    other = msgspec.defstruct("Other", [("data_dir", str, "")])
    environ = {"X_PORT": "1", "X_DATA_DIR": "/data"}
    assert load(Sample, "X_", environ, beside=[other]).port == 1
    with pytest.raises(SettingsError, match="did you mean X_DATA_DIR"):
        load(Sample, "X_", {"X_DATADIR": "/data"}, beside=[other])


class Secrets(msgspec.Struct):
    api_token: Literal["a", "b"] = "a"
    password: float = 0.0
    level: Literal["low", "high"] = "low"


@pytest.mark.security
@pytest.mark.parametrize("variable", ["X_API_TOKEN", "X_PASSWORD"])
def test_a_secret_that_does_not_fit_is_not_shown(variable):
    with pytest.raises(SettingsError, match=f"^{variable}: the value, which is not shown, does not fit$") as raised:
        load(Secrets, "X_", {variable: "zqsecret"})
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.security
def test_a_url_that_does_not_fit_is_shown_without_its_password():
    with pytest.raises(SettingsError, match=r"X_LEVEL=.nats://\*\*\*@h") as raised:
        load(Secrets, "X_", {"X_LEVEL": "nats://u:zqsecret@h"})
    assert "zqsecret" not in str(raised.value)
