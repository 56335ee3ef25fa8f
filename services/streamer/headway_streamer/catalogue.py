"""What can be run: the kinds that processors have put into the catalogue, and whether parameters fit them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from headway import codec
from headway.errors import MalformedEventError
from headway.records import KindRecord, decode_record
from headway_streamer.kv import Bucket
from headway_streamer.problems import Problem, pointer

FRESH_SECONDS = 2.0
MAX_ERRORS = 50

logger = logging.getLogger(__name__)


class Catalogue:
    """The kinds, read from their bucket at most every two seconds."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._kinds: dict[str, KindRecord] = {}
        self._until = 0.0

    async def kinds(self) -> list[KindRecord]:
        """All kinds by name. Raises UnavailableError."""
        await self._refresh()
        return [self._kinds[name] for name in sorted(self._kinds)]

    async def kind(self, name: str) -> KindRecord:
        """The kind of that name, or a Problem that names the ones there are. Raises UnavailableError."""
        await self._refresh()
        found = self._kinds.get(name)
        if found is None:
            known = ", ".join(sorted(self._kinds)) or "none yet: is a processor running?"
            raise Problem(404, "Unknown kind", f"No processor runs kind {name[:64]!r}. Known kinds: {known}.")
        return found

    async def _refresh(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._until:
            return
        kinds = {}
        for key, value in await self._bucket.all():
            try:
                kinds[key] = decode_record(value, KindRecord)
            except MalformedEventError as error:
                logger.warning(
                    "a kind's record is malformed", extra={"action": "kind_malformed", "kind": key, "error": str(error)}
                )
        self._kinds = kinds
        self._until = now + FRESH_SECONDS


def check_params(kind: KindRecord, params: Any) -> None:
    """Raise a Problem with one JSON pointer per fault when `params` do not fit the kind's schema."""
    if not isinstance(params, dict):
        raise _bad_params([{"pointer": "/params", "detail": "must be an object"}])
    errors = [error for found in Draft202012Validator(kind.params).iter_errors(params) for error in _faults(found)]
    if errors:
        raise _bad_params(errors[:MAX_ERRORS])


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
    """Query parameters as parameters of `kind`: numbers, booleans and JSON where its schema says so."""
    properties = kind.params.get("properties", {})
    return {name: _from_text(properties.get(name, {}), values) for name, values in query.items()}


def _from_text(schema: dict[str, Any], values: list[str]) -> Any:
    text = values[-1]
    options = schema.get("anyOf", [schema])
    types = {_type_of(option) for option in options}
    if types <= {"string"}:
        return text
    if "array" in types and not text.startswith("["):
        return values
    return _json_or_text(text)


def _json_or_text(text: str) -> Any:
    try:
        return codec.decode_json(text.encode())
    except MalformedEventError:
        return text


def _type_of(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "string" if all(isinstance(value, str) for value in schema["enum"]) else "any"
    return str(schema.get("type", "any"))
