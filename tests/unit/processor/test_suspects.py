"""The rule of what may begin beside what runs: tables."""

import pytest

from headway_processor.suspects import Neighbour, Suspect, may_begin, trial_seconds

FRESH, ONCE, TWICE = Suspect(0), Suspect(1), Suspect(2)
YOUNG, SETTLED = Neighbour(0, 3.9, on_trial=False), Neighbour(0, 4.0, on_trial=False)
TRIED, ALONE = Neighbour(1, 0.5, on_trial=True), Neighbour(2, 0.5, on_trial=True)


@pytest.mark.parametrize(
    ("suspect", "running", "passed", "expected"),
    [
        pytest.param(FRESH, [], 0, True, id="nothing runs"),
        pytest.param(FRESH, [YOUNG, TRIED], 0, True, id="others do not wait for a suspect"),
        pytest.param(FRESH, [ALONE], 9, False, id="nothing begins beside one that is alone"),
        pytest.param(ONCE, [YOUNG, SETTLED], 0, True, id="a suspect begins beside others"),
        pytest.param(ONCE, [TRIED], 0, False, id="one suspect at a time"),
        pytest.param(ONCE, [Neighbour(1, 9.0, on_trial=False)], 0, True, id="the other has passed"),
        pytest.param(ONCE, [TRIED], 1, True, id="one more after one has passed"),
        pytest.param(ONCE, [TRIED, TRIED], 1, False, id="but not two more"),
        pytest.param(ONCE, [ALONE], 9, False, id="nor beside one that is alone"),
        pytest.param(TWICE, [], 0, True, id="alone: nothing runs"),
        pytest.param(TWICE, [SETTLED], 0, True, id="alone: what runs has proved itself"),
        pytest.param(TWICE, [SETTLED, YOUNG], 0, False, id="alone: what has just begun may be the cause"),
        pytest.param(TWICE, [Neighbour(1, 4.0, on_trial=True)], 9, False, id="alone: so may one on trial"),
        pytest.param(Suspect(3), [SETTLED], 0, False, id="after another loss they have to run for longer"),
        pytest.param(Suspect(9), [Neighbour(0, 10.0, on_trial=False)], 0, True, id="but not for long"),
        pytest.param(Suspect(2, True, last_chance=True), [SETTLED], 0, False, id="last chance: nothing at all"),
        pytest.param(Suspect(2, True, last_chance=True), [], 0, True, id="last chance: nothing runs"),
        pytest.param(Suspect(1, last_chance=True), [YOUNG], 0, True, id="it was never tried alone yet"),
    ],
)
def test_what_may_begin_follows_from_what_runs(suspect, running, passed, expected):
    assert may_begin(suspect, running, passed) is expected


def test_each_loss_makes_the_trial_longer_up_to_an_hour():
    trials = [trial_seconds(lost) for lost in range(9)]
    assert trials == [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 3600.0, 3600.0]
    assert trial_seconds(10_000) == 3600.0
