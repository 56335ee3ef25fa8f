"""Kinds and titles of Celery's tasks."""

import pytest

from headway.celery.naming import short, title_of
from headway.subjects import check_kind, kind_of


@pytest.mark.parametrize("name", ["shop.tasks.add", "add", "", "a" * 200, "shop.ümlaut task", "…", "odd."])
def test_every_name_has_a_kind(name):
    assert check_kind(kind_of(short(name)))


def run(path, *rest, mode="fast", **more):
    """A task."""


def test_a_title_holds_no_arguments_unless_it_is_asked_to():
    assert title_of("shop.login", ["secret"], {"password": "x"}, None) == "login"
    assert title_of("shop.login", ["secret"], {}, {"shop.other": "{0}"}) == "login"


@pytest.mark.parametrize(
    ("template", "args", "kwargs", "function", "title"),
    [
        ("Import {path} {mode}", ["a.csv"], {}, run, "Import a.csv fast"),
        ("Import {path}", [], {"path": "b.csv"}, None, "Import b.csv"),
        ("Import {0}", ["c.csv"], {}, None, "Import c.csv"),
        ("Import {tag}", ["c.csv"], {"tag": 7}, run, "Import 7"),
        ("Import {path}", ["c.csv"], {}, None, "load"),
        ("Import {0}", [], {}, run, "load"),
        ("Import {path}", [], {"path": "d.csv", "mode": 1}, lambda: None, "Import d.csv"),
    ],
)
def test_a_template_gets_the_arguments_by_their_names(template, args, kwargs, function, title):
    assert title_of("shop.load", args, kwargs, {"shop.load": template}, function) == title
    assert title_of("shop.load", args, kwargs, {"load": template}, function) == title


def test_a_function_makes_titles_and_may_fail():
    assert title_of("shop.load", [1], {"b": 2}, lambda name, args, kwargs: f"{name} {args} {kwargs}") == (
        "shop.load [1] {'b': 2}"
    )
    assert title_of("shop.load", [], {}, lambda name, args, kwargs: 1 / 0) == "load"
    assert title_of("shop.load", [], {}, lambda name, args, kwargs: "") == "load"
