"""Titles made of the parameters of a task."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.values.title_template import check_template, fill_in

SCHEMA = {
    "properties": {
        "key": {"type": "string", "writeOnly": True},
        "pin": {"anyOf": [{"type": "string", "format": "password", "writeOnly": True}, {"type": "null"}]},
        "login": {"$ref": "#/$defs/Login"},
        "maybe": {"anyOf": [{"$ref": "#/$defs/Login"}, {"type": "null"}]},
        "circle": {"$ref": "#/$defs/Circle"},
    },
    "$defs": {
        "Login": {"properties": {"user": {"type": "string"}, "code": {"type": "string", "format": "password"}}},
        "Circle": {"$ref": "#/$defs/Circle"},
    },
}
PARAMS = {
    "url": "https://example.org/",
    "n": 3,
    "ratio": 0.5,
    "dry": True,
    "none": None,
    "list": [1],
    "key": "hidden",
    "pin": "hidden",
    "api_key": "hidden",
    "login": {"user": "ann", "code": "hidden", "password": "hidden"},
    "maybe": {"user": "bob", "code": "hidden"},
    "circle": "c",
    "lines": "a\n b",
    "long": "x" * 500,
}


@pytest.mark.parametrize(
    ("template", "title"),
    [
        ("", ""),
        ("plain", "plain"),
        ("Crawl {url}", "Crawl https://example.org/"),
        ("{n} {ratio} {dry}", "3 0.5 true"),
        ("{none} {list} {absent}", "… … …"),
        ("{key} {pin} {api_key}", "… … …"),
        ("{login.user} {login.code} {login.password}", "ann … …"),
        ("{maybe.user} {maybe.code} {url.user} {login}", "bob … … …"),
        ("{circle}", "c"),
        ("{{url}} {lines}", "{url} a b"),
        ("{long}", "x" * 99 + "…"),
        ("{long}{long}{long}", ("x" * 99 + "…") * 2),
        ("{n!r} {n:>9} {n.real.imag} {0} {}", "{n!r} {n:>9} {n.real.imag} {0} {}"),
    ],
)
def test_a_title_shows_parameters_and_no_secret(template, title):
    assert fill_in(template, PARAMS, SCHEMA) == title


@pytest.mark.parametrize(
    "template", ["{n!r}", "{n:>9}", "{a.b.c}", "{0}", "{}", "{", "}", "{a[0]}", "{__class__", "{a b}"]
)
def test_what_cannot_be_filled_in_is_refused(template):
    with pytest.raises(ValueError, match="for a brace"):
        check_template(template)


@pytest.mark.parametrize("template", ["", "Crawl {url}", "{a.b} {{c}}", "{_x1}"])
def test_names_and_fields_are_filled_in(template):
    check_template(template)


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda some: st.dictionaries(st.text(), some))


@pytest.mark.security
@given(st.text(alphabet="{}ab._!:$# \n"), JSON, st.dictionaries(st.sampled_from(["properties", "$defs", "$ref"]), JSON))
def test_any_template_gives_a_short_title(template, params, schema):
    title = fill_in(template, params, schema)
    assert len(title) <= 200
    assert "\n" not in title
