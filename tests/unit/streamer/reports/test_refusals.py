"""Why reports are not accepted."""

from headway.codec import decode_json
from headway_streamer.reports import refusals


def test_a_gap_names_the_number_that_is_expected():
    assert decode_json(refusals.gap(7).body())["expected"] == 7
    assert "expected" not in decode_json(refusals.taken().body())


def test_what_does_not_fit_has_its_place():
    for problem in (refusals.other_kind("import"), refusals.misfit("/kind", "no")):
        assert (problem.status, problem.errors[0]["pointer"]) == (422, "/kind")


def test_the_state_of_a_task_is_a_conflict():
    found = [refusals.taken(), refusals.ended("completed"), refusals.superseded(2), refusals.unopened()]
    assert {problem.status for problem in found} == {409}
    assert len({problem.title for problem in found}) == 4
