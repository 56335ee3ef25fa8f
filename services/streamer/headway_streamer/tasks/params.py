"""Parameters of a submission: validation against the schema of the kind, and reading from a query string."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable

from headway import codec
from headway.errors import MalformedEventError
from headway.records import KindRecord
from headway.values.file_param import FILE_FORMAT
from headway.values.from_text import UnfitTextError, expected, from_text
from headway_streamer.problems import Problem, pointer

MAX_ERRORS = 50
SMALL_BYTES = 4 * 1024
"""Parameters of at most this much JSON are validated on the event loop: about 1 ms. Larger ones go to a thread."""


def _comparable(value: Any) -> Any:
    """A hashable value that is equal for values that JSON Schema calls equal: 1 is 1.0 and not true."""
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, list):
        return list, tuple(map(_comparable, value))
    if isinstance(value, dict):
        return dict, frozenset((name, _comparable(each)) for name, each in value.items())
    return value


def _unique_items(validator: Any, wanted: bool, given: Any, schema: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(given, list) and len(set(map(_comparable, given))) < len(given):
        yield ValidationError(f"{given!r} has non-unique elements")


def _any_of(validator: Any, schemas: list[Any], given: Any, schema: Any) -> Iterator[ValidationError]:
    if not any(validator.evolve(schema=each).is_valid(given) for each in schemas):
        yield ValidationError(f"{given!r} is not valid under any of the given schemas")


def _one_of(validator: Any, schemas: list[Any], given: Any, schema: Any) -> Iterator[ValidationError]:
    valid = sum(validator.evolve(schema=each).is_valid(given) for each in schemas)
    if valid != 1:
        yield ValidationError(f"{given!r} is valid under {valid} of the given schemas instead of one")


_KEYWORDS = {"uniqueItems": _unique_items, "anyOf": _any_of, "oneOf": _one_of}
BoundedValidator: Any = extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]
"""jsonschema compares each pair of items that it cannot sort (30,000 mixed ones: minutes), and collects every error
below an alternative before it says that none fits."""


class _FileFinder:
    """Takes note of the values that the schema calls files. jsonschema asks it about each value with a format."""

    def __init__(self) -> None:
        self.files: list[str] = []

    def check(self, instance: object, format: str) -> None:
        """Take note of a value. It is never refused for its format."""
        if format == FILE_FORMAT and isinstance(instance, str):
            self.files.append(instance)


def check_params(kind: KindRecord, params: Any) -> list[str]:
    """The files that `params` name.

    Raises a Problem with one JSON pointer per error if they do not match the kind's schema.
    """
    if not isinstance(params, dict):
        raise _bad_params([{"pointer": "/params", "detail": "must be an object"}])
    finder = _FileFinder()
    found = BoundedValidator(kind.params, format_checker=finder).iter_errors(params)
    try:
        # The errors after these are not sought.
        errors = list(islice((fault for error in found for fault in _faults(error)), MAX_ERRORS))
    except Unresolvable as error:
        detail = f"The schema of kind {kind.kind} refers to {error.ref!r}, which it does not contain."
        raise Problem(500, "Schema of the kind is malformed", detail) from error
    if errors:
        raise _bad_params(errors)
    return finder.files


async def check_params_of_any_size(kind: KindRecord, params: Any) -> list[str]:
    """`check_params`, in a thread if the parameters are large: other streams wait for nothing."""
    if len(codec.encode_json(params)) <= SMALL_BYTES:
        return check_params(kind, params)
    return await asyncio.to_thread(check_params, kind, params)


def _bad_params(errors: list[dict[str, str]]) -> Problem:
    return Problem(422, "Parameters do not fit", errors[0]["detail"], errors=errors)


def _faults(error: ValidationError) -> Iterator[dict[str, str]]:
    path = ["params", *error.absolute_path]
    rule: Any = error.schema
    given: Any = error.instance
    if error.validator == "required":
        for name in rule["required"]:
            if name not in given:
                yield {"pointer": pointer(*path, name), "detail": "is required"}
    elif error.validator == "additionalProperties":
        for name in sorted(set(given) - set(rule.get("properties", {}))):
            yield {"pointer": pointer(*path, name), "detail": "is not a parameter of this kind"}
    else:
        yield {"pointer": pointer(*path), "detail": error.message[:300]}


def from_query(kind: KindRecord, query: dict[str, list[str]]) -> dict[str, Any]:
    """Query parameters as parameters of `kind`, as its schema asks for; what does not fit is left to `check_params`.

    Raises NestedTooDeepError.
    """
    properties = kind.params.get("properties", {})
    return {name: _from_texts(properties.get(name, {}), kind.params, values) for name, values in query.items()}


def _from_texts(schema: dict[str, Any], root: dict[str, Any], values: list[str]) -> Any:
    text = values[-1]
    if "array" in expected(schema, root)[0] and not text.startswith("["):
        return values
    try:
        return from_text(text, schema, root, _decode)
    except UnfitTextError:
        return from_text(text, {}, root, _decode)


def _decode(text: str) -> Any:
    raw = text.encode()
    codec.check_depth(raw, codec.MAX_DEPTH - 1)
    try:
        return codec.decode_json(raw)
    except MalformedEventError as error:
        raise ValueError(str(error)) from error
