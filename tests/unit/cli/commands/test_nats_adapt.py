"""`headway nats-adapt`."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from headway.cli.commands import nats_adapt as module
from headway.jetstream.adapt import Outcome
from tests.fixtures.scripted_server import headway

FOUND = [Outcome("HW_EVENTS", "changed", "num_replicas 1 → 3"), Outcome("HW_JOBS", "unchanged")]
REFUSED = Outcome("HW_DEAD", "refused", "max_age 1 s → 2 s: this deletes stored messages")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The calls of the adaptation, which answers `FOUND`."""
    calls: list[dict[str, Any]] = []

    async def adapt(settings: Any, **options: Any) -> list[Outcome]:
        calls.append({"settings": settings, **options})
        return [*FOUND, REFUSED] if settings.max_jobs == 1 else FOUND

    monkeypatch.setattr(module, "adapt_patiently", adapt)
    monkeypatch.setenv("HEADWAY_NATS_REPLICAS", "3")
    return calls


def test_a_line_tells_what_became_of_each_stream(asked: list[dict[str, Any]]) -> None:
    """With the settings of the services."""
    result = headway("nats-adapt")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["HW_EVENTS  changed  num_replicas 1 → 3", "HW_JOBS    unchanged"]
    (call,) = asked
    assert call["settings"].replicas == 3
    assert {name: call[name] for name in ("seconds", "dry_run", "allow_deletion")} == {
        "seconds": 60,
        "dry_run": False,
        "allow_deletion": False,
    }


def test_a_dry_run_says_what_would_be_changed(asked: list[dict[str, Any]]) -> None:
    """And is asked for as such."""
    assert "HW_EVENTS  would be changed" in headway("nats-adapt", "--dry-run", "--allow-deletion").stdout
    assert asked[0]["dry_run"]
    assert asked[0]["allow_deletion"]


def test_a_refusal_fails_and_is_named(asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """After the lines of all streams."""
    monkeypatch.setenv("HEADWAY_NATS_MAX_JOBS", "1")
    result = headway("nats-adapt")
    assert result.exit_code == 1
    assert "this deletes stored messages" in result.stdout
    assert "1 of 3 streams are left as they are: HW_DEAD" in result.stderr


def test_nothing_is_quiet_after_it() -> None:
    log = logging.getLogger("headway")
    before = log.level
    with module.quiet():
        assert not log.isEnabledFor(logging.ERROR)
    assert log.level == before
