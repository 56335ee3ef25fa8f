"""Names: what may become part of a subject, and where it goes."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headway.errors import InvalidNameError
from headway.subjects import Names, check_kind, check_task, is_name

GOOD = ["a", "Z9", "_", "-", "0", "crawl-2_b", "x" * 64]
BAD = [
    "",
    "x" * 65,
    "a.b",
    "a b",
    "*",
    ">",
    "a*",
    "$JS",
    "a/b",
    "é",
    "٣",
    "a\n",
    "\na",
    "a\x00",
    "\ud800",
    None,
    7,
    b"a",
]


@pytest.mark.parametrize("name", GOOD)
def test_a_name_is_returned_as_it_is(name):
    assert is_name(name)
    assert check_task(name) == check_kind(name) == name


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_refused(name):
    assert not is_name(name)
    for check in (check_task, check_kind):
        with pytest.raises(InvalidNameError) as caught:
            check(name)
        assert caught.value.value == name


@pytest.mark.parametrize("name", BAD)
def test_no_subject_is_built_of_anything_else(name):
    names = Names()
    for build in (
        names.event,
        names.live,
        names.beat,
        names.jobs_of,
        lambda bad: names.job("k", bad),
        lambda bad: names.dead(bad, "t"),
    ):
        with pytest.raises(InvalidNameError):
            build(name)


@pytest.mark.security
@given(st.text())
@example("hw.ev.t1")
def test_a_name_is_one_token_without_wildcards(text):
    if is_name(text):
        assert text.isascii()
        assert not set(text) & set(".*> \t\r\n$")


@pytest.mark.security
def test_a_huge_name_is_not_repeated_in_full():
    with pytest.raises(InvalidNameError) as caught:
        check_task("x" * 100_000)
    assert len(str(caught.value)) < 200


def test_the_error_says_what_the_name_was_for():
    with pytest.raises(InvalidNameError, match="'a b' is not a valid kind"):
        check_kind("a b")


@pytest.mark.parametrize("namespace", ["hw", "a", "team_2", "a" * 32])
def test_a_namespace_is_lower_case(namespace):
    assert Names(namespace).event("t").startswith(f"{namespace}.ev.")


@pytest.mark.parametrize("namespace", ["", "HW", "2a", "_a", "a-b", "a.b", "a*", "a" * 33, "a\n", None])
def test_no_other_namespace_is_taken(namespace):
    with pytest.raises(InvalidNameError):
        Names(namespace)


def test_every_subject_stands_where_the_design_says():
    names = Names("hw")
    assert names.event("t1") == "hw.ev.t1"
    assert names.live("t1") == "hw.live.t1"
    assert names.beat("t1") == "hw.beat.t1"
    assert names.job("crawl", "t1") == "hw.job.crawl.t1"
    assert names.jobs_of("crawl") == "hw.job.crawl.*"
    assert names.dead("crawl", "t1") == "hw.dead.crawl.t1"
    assert (names.events_stream, names.jobs_stream, names.dead_stream) == ("HW_EVENTS", "HW_JOBS", "HW_DEAD")
    assert names.processors_bucket == "hw_processors"
    assert (names.tasks_bucket, names.kinds_bucket, names.results_bucket) == ("hw_tasks", "hw_kinds", "hw_results")


def test_every_subject_ends_with_its_task():
    names = Names()
    subjects = names.event("t-1"), names.live("t-1"), names.beat("t-1"), names.job("k", "t-1"), names.dead("k", "t-1")
    assert {names.task_of(subject) for subject in subjects} == {"t-1"}


def matches(pattern: str, subject: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]+"), subject) is not None


def test_every_stream_takes_its_own_subjects_and_no_other():
    names = Names()
    subjects = {
        names.all_events: names.event("t"),
        names.all_jobs: names.job("k", "t"),
        names.all_dead: names.dead("k", "t"),
        "none": names.live("t"),
        "nor this": names.beat("t"),
    }
    for pattern in (names.all_events, names.all_jobs, names.all_dead):
        assert [owner for owner, subject in subjects.items() if matches(pattern, subject)] == [pattern]


def test_the_server_shows_events_where_streamers_listen():
    names = Names("team_2")
    assert names.republished.replace("{{wildcard(1)}}", "t1") == names.live("t1")


def test_two_namespaces_share_no_name():
    one, two = (set(vars(Names(namespace)).values()) | {Names(namespace).event("t")} for namespace in ("a", "ab"))
    assert not one & two
