"""Title and tags of submissions."""

import pytest

from headway.records import KindRecord
from headway_streamer.problems import Problem
from headway_streamer.tasks.labels import Labels, labels_from_query, labels_of, read_labels

KIND = KindRecord(kind="crawl", title="Crawl {url}", tags=["web", "eu"])


def test_labels_are_stored_as_they_are_shown():
    assert read_labels(" two  words ", ["b", "a", "b"]) == Labels("two words", ("b", "a"))


def test_labels_that_do_not_fit_are_all_named():
    with pytest.raises(Problem) as caught:
        read_labels("x" * 201, ["a,b"])
    assert caught.value.status == 422
    assert [error["pointer"] for error in caught.value.errors] == ["/title", "/tags"]


@pytest.mark.parametrize(
    ("named", "labels"),
    [
        (Labels(), Labels("Crawl x", ("web", "eu"))),
        (Labels("Mine", ("eu", "own")), Labels("Mine", ("eu", "own", "web"))),
        (Labels("", tuple(str(n) for n in range(16))), Labels("Crawl x", tuple(str(n) for n in range(16)))),
    ],
)
def test_the_labels_of_a_kind_stand_beside_those_of_a_submission(named, labels):
    assert labels_of(named, KIND, {"url": "x"}) == labels


def test_labels_are_read_from_a_query():
    query = {"title": ["a", "b"], "tag": ["x", "y"], "url": ["u"]}
    assert labels_from_query(KIND, query) == (Labels("b", ("x", "y")), {"url": ["u"]})


def test_a_parameter_of_the_kind_is_no_label():
    kind = KindRecord(kind="k", params={"properties": {"title": {}}})
    assert labels_from_query(kind, {"title": ["a"], "tag": ["x"]}) == (Labels("", ("x",)), {"title": ["a"]})
