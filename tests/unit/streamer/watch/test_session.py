"""What is released when a stream ends."""

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


def test_a_session_without_a_watcher_was_rejected():
    reasons = []
    session = Session(None, farewell=b"bye")
    session.on_close(reasons.append)
    session.close()
    assert reasons == ["rejected"]
