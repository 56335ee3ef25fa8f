"""Title and tags of a submission: those that it names, or those that its kind describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from headway.records import KindRecord
from headway.values.labels import check_tags, check_title, tags_of, title_of
from headway.values.title_template import fill_in
from headway_streamer.problems import Problem

T = TypeVar("T")


class Labels(NamedTuple):
    """What people call a task, and words to find it by."""

    title: str = ""
    tags: tuple[str, ...] = ()


NO_LABELS = Labels()


def read_labels(title: str, tags: Sequence[str]) -> Labels:
    """The labels that a request names. Raises a Problem."""
    errors = [*_faults("/title", check_title, title), *_faults("/tags", check_tags, tags)]
    if errors:
        raise Problem(422, "Title or tags do not fit", errors[0]["detail"], errors=errors)
    return Labels(title_of(title), tuple(tags_of(tags)))


def labels_from_query(kind: KindRecord, query: dict[str, list[str]]) -> tuple[Labels, dict[str, list[str]]]:
    """The labels in a query, `title` and `tag`, and what else is in it. A parameter of `kind` is no label.

    Raises a Problem.
    """
    properties = kind.params.get("properties", {})
    named = {name: query[name] for name in ("title", "tag") if name in query and name not in properties}
    rest = {name: values for name, values in query.items() if name not in named}
    return read_labels(named.get("title", [""])[-1], named.get("tag", [])), rest


def labels_of(named: Labels, kind: KindRecord, params: Any) -> Labels:
    """The labels of a task of `kind`: its own title, or that of the kind with `params` filled in, and both's tags."""
    title = named.title or fill_in(kind.title, params, kind.params)
    return Labels(title, tuple(tags_of([*named.tags, *kind.tags])))


def _faults(pointer: str, check: Callable[[T], None], value: T) -> list[dict[str, str]]:
    try:
        check(value)
    except ValueError as error:
        return [{"pointer": pointer, "detail": str(error)}]
    return []
