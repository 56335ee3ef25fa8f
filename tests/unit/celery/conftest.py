"""An app of Celery that is connected, and what its adapter reports."""

import celery
import pytest

from headway.celery import publishing, working
from headway.celery.connection import Connected
from headway.celery.options import Options
from headway.errors import CancelRequestedError


class Waiting:
    """What is stored at once."""

    def wait(self):
        return True


class Job:
    """Notes what is reported."""

    def __init__(self, notes):
        self.notes, self.stopped = notes, None

    def __getattr__(self, name):
        return lambda *args, **named: self.notes.append((name, *args, named))


class Attempt:
    """An attempt that notes its end."""

    def __init__(self, notes, refusal=""):
        self.job, self.begun, self.refusal, self.notes = Job(notes), Waiting(), refusal, notes
        self.stored = Waiting()

    def cancel(self, reason):
        self.job.stopped = CancelRequestedError("t", reason)

    def __getattr__(self, name):
        return lambda *args, **named: self.notes.append((name, *args, named))


class Reports:
    """The adapter of the process: notes what it is called with."""

    def __init__(self):
        self.submitted, self.attempts, self.ends, self.notes, self.refusal = {}, [], [], [], ""

    def submitting(self, task, **what):
        self.submitted[task] = what
        return Waiting()

    def attempt(self, task, **what):
        self.attempts.append((task, what))
        self.last = Attempt(self.notes, self.refusal)
        return self.last

    def ended(self, task, **what):
        self.ends.append((task, what))
        return Waiting()


@pytest.fixture
def reports(monkeypatch):
    made = Reports()
    for module in (publishing, working):
        monkeypatch.setattr(module, "adapter", lambda: made)
    return made


@pytest.fixture
def connected(reports):
    """Makes apps with these options."""
    made = []

    def make(**options):
        app = celery.Celery("unit", broker="memory://", backend="cache+memory://", set_as_current=False)
        made.append(Connected(app, Options(**options)))
        return app

    yield make
    for one in made:
        one.disconnect()
