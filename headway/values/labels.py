"""Titles and tags of tasks: what people call them, and words to find them by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from headway.values.coercion import clean, shorten

MAX_TITLE_CHARS = 200
MAX_TAGS = 16
MAX_TAG_CHARS = 64


def title_of(value: Any) -> str:
    """`value` as a title: one line of at most `MAX_TITLE_CHARS` characters."""
    return shorten(" ".join(clean(value).split()), MAX_TITLE_CHARS)


def tags_of(values: Iterable[Any]) -> list[str]:
    """`values` as tags: at most `MAX_TAGS` different ones of at most `MAX_TAG_CHARS` printable characters, no commas.

    >>> tags_of(["eu", " nightly\\n", "eu", "a,b", ""])
    ['eu', 'nightly', 'a b']
    """
    texts = [values] if isinstance(values, str) else values
    return list(dict.fromkeys(filter(None, map(_tag, texts))))[:MAX_TAGS]


def check_title(title: str) -> None:
    """Raise ValueError unless `title` can be stored as it is, but for white space."""
    if len(title) > MAX_TITLE_CHARS or not title.isprintable():
        raise ValueError(f"a title has at most {MAX_TITLE_CHARS} printable characters")


def check_tags(tags: Sequence[str]) -> None:
    """Raise ValueError unless `tags` can be stored as they are."""
    for tag in tags:
        if tags_of([tag]) != [tag]:
            raise ValueError(
                f"tag {tag[:MAX_TAG_CHARS]!r}: a tag has 1 to {MAX_TAG_CHARS} printable characters without a comma"
            )
    if len(tags) > MAX_TAGS:
        raise ValueError(f"a task has at most {MAX_TAGS} tags")


def _tag(value: Any) -> str:
    printable = "".join(char if char.isprintable() and char != "," else " " for char in clean(value))
    return shorten(" ".join(printable.split()), MAX_TAG_CHARS)
