"""Several workers: signals, and what ends them. Their end with the parent is tested in test_die_with_parent.py."""

import signal

import pytest

from headway_streamer.process import workers as module


class Worker:
    """A process that does not run."""

    pids = iter(range(100, 200))

    def __init__(self, target, args):
        self.run, self.argument, self.parent = args
        self.pid = None
        self.sentinel = object()
        self.exitcode = None

    def start(self):
        self.pid = next(self.pids)

    def is_alive(self):
        return self.exitcode is None

    def join(self):
        self.exitcode = self.exitcode or 0


class Machine:
    """What `run_workers` uses of the system."""

    def __init__(self):
        self.workers, self.handlers, self.signals = [], {}, []
        self.on_wait = lambda: None

    def get_context(self, method):
        assert method == "spawn"
        return self

    def Process(self, **options):
        self.workers.append(Worker(**options))
        return self.workers[-1]

    def wait(self, sentinels):
        assert sentinels == [worker.sentinel for worker in self.workers]
        self.on_wait()


@pytest.fixture
def machine(monkeypatch):
    made = Machine()
    monkeypatch.setattr(module.multiprocessing, "get_context", made.get_context)
    monkeypatch.setattr(module, "wait", made.wait)
    monkeypatch.setattr(module.signal, "signal", made.handlers.__setitem__)
    monkeypatch.setattr(module.os, "kill", lambda pid, number: made.signals.append((pid, number)))
    return made


def test_each_argument_has_a_worker_and_the_end_of_one_drains_the_others(machine):
    def end_first():
        machine.workers[0].exitcode = 3

    machine.on_wait = end_first
    assert module.run_workers(print, ["a", "b", "c"]) == 3
    assert [worker.argument for worker in machine.workers] == ["a", "b", "c"]
    assert machine.signals == [(worker.pid, signal.SIGTERM) for worker in machine.workers[1:]]


def test_a_signal_is_passed_on_once(machine):
    machine.on_wait = lambda: machine.handlers[signal.SIGINT](signal.SIGINT, None)
    assert module.run_workers(print, ["a", "b"]) == 0
    assert machine.signals == [(worker.pid, signal.SIGINT) for worker in machine.workers]


def test_a_signal_during_the_start_reaches_those_that_start_after_it(machine, monkeypatch):
    start = Worker.start

    def start_and_signal(worker):
        start(worker)
        if worker is machine.workers[0]:
            machine.handlers[signal.SIGTERM](signal.SIGTERM, None)

    monkeypatch.setattr(Worker, "start", start_and_signal)
    assert module.run_workers(print, ["a", "b"]) == 0
    assert len({pid for pid, _ in machine.signals}) == 2


def test_a_worker_that_ends_well_by_itself_is_a_failure(machine):
    assert module.run_workers(print, ["a", "b"]) == 1


def test_a_worker_that_has_just_ended_is_not_signalled(monkeypatch):
    def gone(pid, number):
        raise ProcessLookupError

    monkeypatch.setattr(module.os, "kill", gone)
    module._signal(1, signal.SIGTERM)


def test_a_worker_returns_the_exit_code_and_follows_its_parent(monkeypatch):
    followed = []
    monkeypatch.setattr(module, "die_with_parent", lambda parent: False)
    monkeypatch.setattr(module, "_follow_parent", lambda: followed.append(True))
    with pytest.raises(SystemExit) as caught:
        module._work(lambda argument: argument, 7, 1)
    assert caught.value.code == 7
    assert followed == [True]
