"""A Griffe extension: examples in docstrings become blocks of code in the API reference."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


def fenced(text: str) -> str:
    """The docstring with each run of lines from `>>>` to the next blank line as a fenced block."""
    return EXAMPLE.sub(lambda example: f"```pycon\n{_plain(example[0])}\n```", text)


def _plain(example: str) -> str:
    return re.sub(r" +# doctest: .*", "", example)


class Doctests(griffe.Extension):
    """Changes every docstring when it is loaded."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
