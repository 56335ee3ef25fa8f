"""Settings from the environment: one frozen Struct per service, every field with a default.

`HEADWAY_STREAMER_HEARTBEAT_SECONDS` sets `heartbeat_seconds` of the Struct loaded with the prefix `HEADWAY_STREAMER_`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from headway.errors import SettingsError
from headway.values.redaction import is_secret_name, redact

S = TypeVar("S", bound=msgspec.Struct)


def load(type: type[S], prefix: str, environ: Mapping[str, str], *, beside: Iterable[type[msgspec.Struct]] = ()) -> S:
    """Build `type` from the variables of `environ` that begin with `prefix`.

    `beside` are types whose variables have the same prefix and are read elsewhere.

    A field that is a tuple takes values separated by commas. An empty variable counts as unset. Raises
    SettingsError, with the variable's name, for a value that does not fit and for a variable that no field has (a
    typo would be silent).
    """
    fields = {field.name: field for field in msgspec.structs.fields(type)}
    others = {name for other in beside for name in other.__struct_fields__}
    given: dict[str, object] = {}
    for variable, text in environ.items():
        if not variable.startswith(prefix) or text == "":
            continue
        name = variable[len(prefix) :].lower()
        if name not in fields:
            if name in others:
                continue
            raise SettingsError(_unknown(variable, prefix, [*fields, *others]))
        given[name] = _value(variable, text, fields[name].type)
    try:
        return msgspec.convert(given, type)
    except msgspec.ValidationError as error:  # also what a Struct's own checks raise, wrapped
        raise SettingsError(redact(str(error))) from None


def _value(variable: str, text: str, type: object) -> object:
    value: object = text
    if getattr(type, "__origin__", None) is tuple:
        value = [part.strip() for part in text.split(",") if part.strip()]
    try:
        value = msgspec.convert(value, type, strict=False)
    except msgspec.ValidationError as error:
        raise _misfit(variable, text, str(error)) from None  # its message may quote the value
    if isinstance(value, float) and math.isnan(value):  # it would pass every check of a lower limit
        raise _misfit(variable, text, "not a number")
    if isinstance(value, int | float) and value < 0:  # no setting means anything below 0
        raise _misfit(variable, text, "must not be negative")
    return value


def _misfit(variable: str, text: str, why: str) -> SettingsError:
    if is_secret_name(variable):
        return SettingsError(f"{variable}: the value, which is not shown, does not fit")
    return SettingsError(redact(f"{variable}={text!r}: {why}"))


def _unknown(variable: str, prefix: str, names: list[str]) -> str:
    near = difflib.get_close_matches(variable[len(prefix) :].lower(), names, n=1, cutoff=0.5)
    hint = f"; did you mean {prefix}{near[0].upper()}?" if near else f"; known: {', '.join(sorted(names))}"
    return f"{variable} is not a setting{hint}"
