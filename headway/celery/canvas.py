"""The tasks of chains, groups and chords that are published later, though their ids are known already. No I/O.

People hold the id of the last task of a chain, of the body of a chord, or of a group. So the last task stands for its
chain: the earlier ones are its children, as the header of a chord is a child of the body, and members are of a group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

Signature: TypeAlias = Mapping[str, Any]
"""A signature of Celery, as messages hold it."""


class Planned(NamedTuple):
    """A task that waits for others."""

    task: str
    name: str
    """Of the task in Celery; empty for a group."""
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = {}
    parent: str = ""
    after: tuple[str, ...] = ()
    """Tasks that must succeed before it runs."""
    children: tuple[str, ...] = ()
    """Of a group: its members."""


class Place(NamedTuple):
    """Where a published task is in its canvas, and what is planned after it."""

    parent: str
    planned: tuple[Planned, ...]


def place_of(headers: Mapping[str, Any], embedded: Mapping[str, Any]) -> Place:
    """The place of the task of a message with these headers and the third part of its body."""
    group = _group_of({"group_id": headers.get("group"), "group_index": headers.get("group_index")})
    chain = tuple(reversed(embedded.get("chain") or ()))
    if not chain:
        return Place(group, tuple(_body(embedded.get("chord"), group)))
    options = chain[-1].get("options") or {}
    parent = _group_of(options)
    planned = (*_chain(chain, parent, first=headers["id"]), *_body(options.get("chord"), parent))
    return Place(id_of(chain[-1]), planned)


def body_of(embedded: Mapping[str, Any]) -> str:
    """The id of the body of the chord whose header the task of a message belongs to; "" for none."""
    chain = embedded.get("chain") or ()
    chord = (chain[0].get("options") or {}).get("chord") if chain else embedded.get("chord")
    return id_of(chord or {})


def id_of(signature: Signature) -> str:
    """The id that people hold of what `signature` starts; "" if it has none yet."""
    kwargs, kind = signature.get("kwargs") or {}, signature.get("subtask_type")
    if kind == "chord":
        return id_of(kwargs.get("body") or {}) or _own_id(signature)
    if kind == "chain" and kwargs.get("tasks"):
        return id_of(kwargs["tasks"][-1])
    return _own_id(signature)


def _own_id(signature: Signature) -> str:
    return (signature.get("options") or {}).get("task_id") or ""


def _group_of(options: Mapping[str, Any]) -> str:
    """The group of a member, which has an index. The body of a chord carries the id of its own header without one."""
    return options.get("group_id") or "" if options.get("group_index") is not None else ""


def _body(chord: Signature | None, group: str) -> Iterator[Planned]:
    """What the chord starts whose header `group` is."""
    return _planned(chord, "", (group,)) if chord and group else iter(())


def _planned(signature: Signature, parent: str, before: tuple[str, ...] = ()) -> Iterator[Planned]:
    """What `signature` starts. `before` has to end first."""
    kwargs, kind = signature.get("kwargs") or {}, signature.get("subtask_type")
    options = signature.get("options") or {}
    if kind == "chain":
        yield from _chain(kwargs.get("tasks") or (), _group_of(options) or parent, before=before)
    elif kind == "group":
        yield from _group(signature, parent, before)
    elif kind == "chord":
        body, header = kwargs.get("body") or {}, kwargs.get("header") or {}
        waits = (_own_id(header),) if isinstance(header, Mapping) and _own_id(header) else ()
        yield from _planned(body, parent, before + waits)
        if waits:
            yield from _group(header, id_of(body))
    elif task := _own_id(signature):
        yield Planned(
            task, signature.get("task") or "", signature.get("args") or (), kwargs, _group_of(options) or parent, before
        )


def _chain(
    steps: Sequence[Signature], parent: str, *, first: str = "", before: tuple[str, ...] = ()
) -> Iterator[Planned]:
    """The tasks of a chain; `first` is one that is published already."""
    if not steps:
        return
    last = id_of(steps[-1])
    earlier = tuple(filter(None, [first, *map(id_of, steps[:-1])]))
    yield from _planned(steps[-1], parent, before + earlier)
    for step in steps[:-1]:
        yield from _planned(step, last)


def _group(signature: Signature, parent: str, before: tuple[str, ...] = ()) -> Iterator[Planned]:
    tasks, group = (signature.get("kwargs") or {}).get("tasks") or (), _own_id(signature)
    if not group or not isinstance(tasks, Sequence):
        return
    yield Planned(group, "", parent=parent, after=before, children=tuple(filter(None, map(id_of, tasks))))
    for task in tasks:
        yield from _planned(task, group)
