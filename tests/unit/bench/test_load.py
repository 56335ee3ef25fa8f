import os

from bench.compare import load

STAT = """\
cpu  600 60 6 1 1 1 1 6 0 0
cpu0 100 10 1 999 999 999 999 1 0 0
cpu1 200 20 2 999 999 999 999 2 0 0
cpu10 300 30 3 999 999 999 999 3 0 0
intr 1 2 3
"""


def test_busy_time_is_that_of_the_wanted_cores_without_idle_time_and_interrupts():
    assert load._busy_seconds(STAT, [0, 1]) * os.sysconf("SC_CLK_TCK") == 112 + 224


def test_a_quiet_machine_is_not_mentioned():
    assert load.note(0.05) == ""
    assert "used 40% of its cores" in load.note(0.4)
