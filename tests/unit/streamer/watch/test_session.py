"""What is released when a stream ends."""

import weakref

from headway_streamer.watch.session import Session


class Watcher:
    ended_by = "completed"


def test_everything_is_released_once_with_the_reason():
    reasons = []
    session = Session(Watcher())
    session.on_close(reasons.append)
    session.on_close(reasons.append)
    session.close()
    session.close()
    assert (reasons, session.closed) == (["completed"] * 2, True)


def test_a_session_that_has_ended_refers_to_nothing_that_refers_to_it():
    session = Session(Watcher())
    session.on_close(lambda _: session.abort)
    gone = weakref.ref(session.on_close.__self__._on_close[0])
    session.close()
    assert gone() is None


def test_a_session_without_a_watcher_was_rejected():
    reasons = []
    session = Session(None, farewell=b"bye")
    session.on_close(reasons.append)
    session.close()
    assert reasons == ["rejected"]
