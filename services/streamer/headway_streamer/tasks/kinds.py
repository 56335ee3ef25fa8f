"""The kinds that processors have published."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from typing import Any, TypeVar

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from headway.errors import MalformedEventError
from headway.records import KindRecord, ProcessorRecord, decode_record
from headway_streamer.malformed import Malformed
from headway_streamer.problems import Problem
from headway_streamer.tasks.ports import KeyValues

FRESH_SECONDS = 2.0
RECHECK_SECONDS = 0.2
"""Before a kind is reported as unknown, or as offered by nobody, the buckets are read again at most this often."""

R = TypeVar("R", bound=msgspec.Struct)


class KindCatalogue:
    """The kinds, and how many processors offer each, read from their buckets at most every two seconds."""

    def __init__(self, kinds: KeyValues, processors: KeyValues, malformed: Malformed) -> None:
        self._malformed = malformed
        self._bucket = kinds
        self._leases = processors
        self._kinds: dict[str, KindRecord] = {}
        self._processors: Counter[str] = Counter()
        self._alive: dict[str, ProcessorRecord] = {}
        self._read_at = -math.inf
        """Loop time."""

    async def offers(self) -> list[dict[str, Any]]:
        """All kinds by name, as the API shows them. Raises UnavailableError."""
        await self._refresh(FRESH_SECONDS)
        return [
            msgspec.to_builtins(kind) | {"processors": self._processors[name], "live": self._processors[name] > 0}
            for name, kind in sorted(self._kinds.items())
        ]

    async def kind(self, name: str) -> KindRecord:
        """The kind of that name. Raises a Problem that lists the known kinds, and UnavailableError."""
        await self._refresh(FRESH_SECONDS)
        if name not in self._kinds:
            await self._refresh(RECHECK_SECONDS)
        found = self._kinds.get(name)
        if found is None:
            known = ", ".join(sorted(self._kinds)) or "none yet: is a processor running?"
            raise Problem(404, "Unknown kind", f"No processor runs kind {name[:64]!r}. Known kinds: {known}.")
        return found

    async def processors(self) -> Counter[str]:
        """How many processors offer each kind now. Raises UnavailableError."""
        await self._refresh(FRESH_SECONDS)
        return self._processors

    async def offered(self) -> dict[str, int]:
        """How many processors offer each known kind now, which may be none. Raises UnavailableError."""
        await self._refresh(FRESH_SECONDS)
        return {kind: self._processors[kind] for kind in sorted({*self._kinds, *self._processors})}

    async def leases(self) -> list[ProcessorRecord]:
        """The leases of the processors that are alive. Raises UnavailableError."""
        await self._refresh(FRESH_SECONDS)
        return list(self._alive.values())

    async def alive(self) -> list[dict[str, Any]]:
        """The processors that are alive, the oldest first, as the API shows them. Raises UnavailableError."""
        await self._refresh(FRESH_SECONDS)
        shown = [{"id": id} | msgspec.to_builtins(record) for id, record in self._alive.items()]
        return sorted(shown, key=lambda one: (one["since"], one["id"]))

    async def processors_of(self, kind: str) -> int:
        """How many processors offer `kind` now. Raises UnavailableError."""
        await self._refresh(FRESH_SECONDS)
        if not self._processors[kind]:
            await self._refresh(RECHECK_SECONDS)
        return self._processors[kind]

    async def _refresh(self, fresh_seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._read_at + fresh_seconds:
            return
        kinds = self._with_schema(self._decoded(await self._bucket.all(), KindRecord))
        leases = self._decoded(await self._leases.all(), ProcessorRecord)
        self._kinds, self._alive = kinds, leases
        self._processors = Counter(kind for lease in leases.values() for kind in set(lease.kinds))
        self._read_at = now

    def _with_schema(self, kinds: dict[str, KindRecord]) -> dict[str, KindRecord]:
        """The kinds whose JSON Schema is one; each schema is checked once."""
        for name, kind in list(kinds.items()):
            known = self._kinds.get(name)
            if known is not None and known.params == kind.params:
                continue
            try:
                Draft202012Validator.check_schema(kind.params)
            except SchemaError as error:
                self._malformed.note("kind", name, MalformedEventError(f"not a JSON Schema: {error.message[:200]}"))
                del kinds[name]
        return kinds

    def _decoded(self, found: list[tuple[str, bytes]], type: type[R]) -> dict[str, R]:
        records = {}
        for key, value in found:
            try:
                records[key] = decode_record(value, type)
            except MalformedEventError as error:
                self._malformed.note("kind" if type is KindRecord else "processor", key, error)
        return records


def no_processor(kind: str) -> str:
    """Message of a task whose kind no processor offers."""
    return f"no processor offers {kind} now; it runs as soon as one does"
