"""Which of several bars is shown."""

from __future__ import annotations

from headway.cli.child.followed_bar import PATIENCE_LINES, FollowedBar
from headway.cli.child.recognition import Seen


def seen(bar: str, done: float, total: float | None = 10, unit: str = "") -> Seen:
    return Seen(bar, bar, done, total, unit)


def shown(*lines: Seen) -> list[tuple[str, float, bool]]:
    bar = FollowedBar()
    changes = [bar.take(line) for line in lines]
    return [(change.seen.bar, change.seen.done, change.begins) for change in changes if change is not None]


def test_a_loop_within_the_loop_is_not_shown() -> None:
    lines = [seen("files", 0), seen("rows", 1), seen("rows", 10), seen("files", 1), seen("rows", 0), seen("files", 2)]
    assert shown(*lines) == [("files", 0, True), ("files", 1, False), ("files", 2, False)]


def test_the_next_bar_begins_when_one_has_ended() -> None:
    assert shown(seen("a", 0), seen("a", 10), seen("b", 3), seen("b", 10)) == [
        ("a", 0, True),
        ("a", 10, False),
        ("b", 3, True),
        ("b", 10, False),
    ]


def test_a_bar_that_begins_again_is_another_step() -> None:
    assert [begins for _, _, begins in shown(seen("a", 5), seen("a", 10), seen("a", 1), seen("a", 2))] == [
        True,
        False,
        True,
        False,
    ]


def test_a_bar_that_goes_back_a_little_is_the_same() -> None:
    """Lines of parallel jobs change places."""
    assert [begins for _, _, begins in shown(seen("a", 5), seen("a", 4), seen("a", 6))] == [True, False, False]


def test_a_bar_that_stays_unfinished_gives_way() -> None:
    lines = [seen("a", 5), *(seen("b", 1) for _ in range(PATIENCE_LINES))]
    assert shown(*lines) == [("a", 5, True), ("b", 1, True)]


def test_the_outer_bar_of_a_loop_is_left_once() -> None:
    """However many lines the inner one draws."""
    rows = [seen("rows", 1) for _ in range(PATIENCE_LINES + 5)]
    lines = [seen("files", 5), *rows, seen("files", 6), *rows, seen("files", 9.5), seen("rows", 0), seen("files", 10)]
    found = shown(*lines)
    assert [(bar, done) for bar, done, begins in found if begins] == [("files", 5), ("rows", 1), ("files", 6)]
    assert found[-1] == ("files", 10, False)


def test_a_bar_that_almost_ended_gives_way_to_one_that_begins() -> None:
    assert shown(seen("a", 9.5), seen("b", 5), seen("b", 0)) == [("a", 9.5, True), ("b", 0, True)]


def test_a_count_without_a_total_gives_way_to_any_other() -> None:
    assert shown(seen("a", 5, None), seen("b", 1)) == [("a", 5, True), ("b", 1, True)]


def test_the_percentage_of_a_bar_that_counts_is_not_shown() -> None:
    assert shown(seen("a", 5), seen("a", 60, 100, "%"), seen("a", 6)) == [("a", 5, True), ("a", 6, False)]
