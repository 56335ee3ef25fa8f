"""A kind and its parameters, as a terminal shows them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from headway.cli.render.kind_view import kind_view


def lines(kind: dict[str, Any], width: int = 200) -> list[str]:
    """The lines of `kind` in a terminal of `width` columns, without the blanks at their ends."""
    out = Console(file=io.StringIO(), width=width, color_system=None)
    out.print(kind_view(kind))
    return [line.rstrip() for line in out.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def parameter(part: Any, *, required: bool = False) -> str:
    """The line of a parameter `x` with the schema `part`, after its name."""
    params = {"properties": {"x": part}, "required": ["x"] if required else []}
    _, line, _ = lines({"kind": "k", "params": params})
    assert line.startswith("  x  ")
    return line.removeprefix("  x  ")


def test_kind_is_one_line_with_the_first_of_its_description() -> None:
    """An empty line follows, as between the kinds of a list."""
    assert lines({"kind": "crawl", "description": "\n  Crawl a site.\nMore."}) == ["crawl  Crawl a site.", ""]


@pytest.mark.parametrize("params", [None, {}, {"properties": {}}, {"properties": None}, {"type": "object"}])
def test_kind_without_parameters_or_description_is_its_name(params: Any) -> None:
    """No empty table."""
    assert lines({"kind": "check", "params": params}) == ["check", ""]


@pytest.mark.parametrize(("processors", "marked"), [(0, True), (1, False), (None, False)])
def test_kind_that_no_processor_offers_is_marked(processors: int | None, marked: bool) -> None:
    """A streamer that does not count them says nothing."""
    assert ("  no processor offers it now" in lines({"kind": "k", "processors": processors})) is marked


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ({"type": "integer", "default": 5}, "integer, default 5"),
        ({"type": "string", "default": ""}, 'string, default ""'),
        ({"type": "boolean", "default": False}, "boolean, default false"),
        ({"type": "array", "default": []}, "array, default []"),
        ({"type": "number", "default": None}, "number, default null"),
        ({"default": {"a": 1}}, 'any, default {"a":1}'),
        ({}, "any, default null"),
        ({"type": ["integer", "null"]}, "integer or null, default null"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null, default null"),
        ({"anyOf": [{"$ref": "#/$defs/Area"}, {"enum": [1, 2]}]}, "Area or 1 | 2, default null"),
        ({"$ref": "#/$defs/Area"}, "Area, default null"),
        ({"enum": ["slow", "fast"], "default": "slow"}, 'slow | fast, default "slow"'),
        ({"enum": ["", None, 1, True, "a"]}, '"" | null | 1 | true | a, default null'),
    ],
)
def test_type_and_default_of_a_parameter(part: dict[str, Any], shown: str) -> None:
    """Words of an enumeration are shown as `submit` takes them, other values as JSON."""
    assert parameter(part) == shown


def test_required_parameter_has_no_default() -> None:
    """Also when its schema has one."""
    assert parameter({"type": "string", "default": "a"}, required=True) == "string, required"


@pytest.mark.parametrize(
    ("description", "shown"),
    [
        ("Where to begin.", "  Where to begin."),
        ("\nFirst.\nSecond.", "  First."),
        ("", ""),
        ("  ", ""),
    ],
)
def test_first_line_of_a_description_is_shown(description: Any, shown: str) -> None:
    """The rest is in the schema."""
    assert parameter({"type": "string", "description": description}, required=True) == f"string, required{shown}"


def test_names_are_aligned() -> None:
    """In the order of the schema, as the handler declares them."""
    properties = {"url": {"type": "string"}, "max_pages": {"type": "integer", "default": 5}}
    assert lines({"kind": "k", "params": {"properties": properties, "required": ["url"]}})[1:3] == [
        "  url        string, required",
        "  max_pages  integer, default 5",
    ]


@pytest.mark.parametrize("width", [30, 40, 80])
def test_long_description_is_wrapped_beside_the_names(width: int) -> None:
    """No line is wider than the terminal, and no word is lost."""
    words = [f"word{n}" for n in range(30)]
    part = {"type": "string", "description": " ".join(words)}
    shown = lines({"kind": "k", "params": {"properties": {"url": part}, "required": ["url"]}}, width)[1:-1]
    assert max(map(cell_len, shown)) <= width
    assert all(line.startswith("       ") for line in shown[1:])
    assert " ".join(shown).split() == ["url", "string,", "required", *words]


@pytest.mark.security
@pytest.mark.parametrize(
    "kind",
    [
        {"kind": "a\x1b[2Jb"},
        {"kind": "k", "description": "a\x1b[2Jb"},
        {"kind": "k", "params": {"properties": {"a\x1b[2Jb": {}}}},
        {"kind": "k", "params": {"properties": {"x": {"type": "a\x1b[2Jb"}}}},
        {"kind": "k", "params": {"properties": {"x": {"type": ["null", "a\x1b[2Jb"]}}}},
        {"kind": "k", "params": {"properties": {"x": {"enum": ["a\x1b[2Jb"]}}}},
        {"kind": "k", "params": {"properties": {"x": {"anyOf": [{"type": "a\x1b[2Jb"}]}}}},
        {"kind": "k", "params": {"properties": {"x": {"$ref": "#/$defs/a\x1b[2Jb"}}}},
        {"kind": "k", "params": {"properties": {"x": {"description": "a\x1b[2Jb"}}}},
    ],
)
def test_control_characters_of_a_schema_are_removed(kind: dict[str, Any]) -> None:
    """A kind comes from whoever may publish one."""
    text = "\n".join(lines(kind))
    assert "\x1b" not in text
    assert "a[2Jb" in text


@pytest.mark.parametrize("name", ["[bold]x[/bold]", "[/]", ":smile:"])
def test_markup_is_shown_as_it_is(name: str) -> None:
    """Square brackets are common in descriptions of types."""
    assert lines({"kind": "k", "description": name}) == [f"k  {name}", ""]


@pytest.mark.parametrize(
    ("part", "shown"), [(True, "any"), (False, "none"), ({"anyOf": [{"type": "string"}, True]}, "string or any")]
)
def test_schema_may_be_a_boolean(part: Any, shown: str) -> None:
    """JSON Schema allows it, and third-party processors publish their own schemas."""
    assert parameter(part) == f"{shown}, default null"
