"""The bundled NATS is restarted: how long no task can be submitted, and what watchers notice."""

import pytest

from tests.charts.browsers import NONE_OF, count, watching
from tests.charts.helm import render
from tests.charts.restarts import Submissions, run_behind_service

STEPS = [{"name": "count", "seconds": 4, "ticks": 40}]
GIVEN = {"processor": {"tasks": ["headway_kinds.script"], "config": {"builtinKinds": ["check"]}}}
MOST_SECONDS = 10.0
"""The goal is 3 s; machines that run much else need longer."""


@pytest.mark.slow
async def test_a_graceful_restart_refuses_submits_for_seconds_and_streams_stay(http, tmp_path, chart_figures):
    async with (
        run_behind_service(render(given=GIVEN), tmp_path) as (nats, _, streamers),
        watching(http, streamers, STEPS, 20) as watchers,
    ):
        submissions = Submissions(http, streamers)
        async with submissions.running():
            await submissions.longest()
            await nats.replace()
            seconds = await submissions.longest()
    counts = count(watchers)
    chart_figures(19, "a graceful restart of the bundled NATS", **counts, refused_for=f"{seconds:.1f} s")
    assert [counts[name] for name in NONE_OF] == [0] * len(NONE_OF)
    assert seconds <= MOST_SECONDS
