"""Titles and tags, whatever they are made from."""

import pytest

from headway.values.labels import check_tags, check_title, tags_of, title_of


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


@pytest.mark.parametrize("title", ["", "Import of the night", "x" * 200, "Übersicht"])
def test_a_title_can_be_stored(title):
    check_title(title)


@pytest.mark.parametrize("title", ["x" * 201, "two\nlines", "\x1b[31m", "\ud800"])
def test_a_title_that_cannot_be_stored_is_refused(title):
    with pytest.raises(ValueError, match="at most 200 printable characters"):
        check_title(title)


@pytest.mark.parametrize("tags", [[], ["eu", "nightly run"], ["x" * 64], [str(number) for number in range(16)]])
def test_tags_can_be_stored(tags):
    check_tags(tags)


@pytest.mark.parametrize(
    ("tags", "error"),
    [
        ([""], "1 to 64 printable"),
        (["a,b"], "without a comma"),
        ([" a"], "printable"),
        (["a\n"], "printable"),
        (["x" * 65], "1 to 64"),
        ([str(number) for number in range(17)], "at most 16 tags"),
    ],
)
def test_tags_that_cannot_be_stored_are_refused(tags, error):
    with pytest.raises(ValueError, match=error):
        check_tags(tags)
