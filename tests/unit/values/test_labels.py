"""Titles and tags, whatever they are made from."""

import pytest

from headway.values.labels import tags_of, title_of


@pytest.mark.parametrize(
    ("value", "title"),
    [("Import", "Import"), (" two\nlines ", "two lines"), (7, "7"), ("x" * 300, "x" * 199 + "…"), ("\ud800", "?")],
)
def test_titles_are_one_short_line(value, title):
    assert title_of(value) == title


@pytest.mark.parametrize(
    ("values", "tags"),
    [
        ("alone", ["alone"]),
        (["b", "a", "b"], ["b", "a"]),
        (["a,b", "\x00", "  "], ["a b"]),
        ([1, None], ["1", "None"]),
        (["x" * 65], ["x" * 63 + "…"]),
        (map(str, range(20)), [str(number) for number in range(16)]),
    ],
)
def test_tags_are_few_short_and_different(values, tags):
    assert tags_of(values) == tags
