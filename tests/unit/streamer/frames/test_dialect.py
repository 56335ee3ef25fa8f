"""Dialects: what each changes. Their bytes are tested with frames."""

import pytest

from headway.events import Status
from headway.testing import progress
from headway_streamer.frames.dialect import CELERY, NATIVE, THREE_WORDS

STATUSES = Status.__args__


def test_the_native_dialect_changes_nothing_and_rotates():
    assert (NATIVE.translate, NATIVE.rotates) == (None, True)
    assert not CELERY.rotates
    assert not THREE_WORDS.rotates


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_name(status):
    assert CELERY.translate(progress(status, 1.0))["status"].isupper()
    changed = THREE_WORDS.translate(progress(status, 1.0))
    assert changed.get("status", status) in ("processing", "completed", "error")


@pytest.mark.parametrize(
    ("word", "shown"),
    [("CRUNCHING", "CRUNCHING"), ("", "PROGRESS"), *((end, "PROGRESS") for end in ("SUCCESS", "FAILURE"))],
)
def test_a_custom_state_keeps_its_word_unless_clients_take_it_for_the_end(word, shown):
    event = progress("processing", 1.0)
    event.state = word
    assert CELERY.translate(event) == {"status": shown}
