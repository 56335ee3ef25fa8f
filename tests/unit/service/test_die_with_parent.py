"""Children end with their parent, whatever ends it."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.fixtures.condition import holds_blocking
from tests.fixtures.process import is_running

# One write: two children share the pipe.
TELL = "import os, time; os.write(1, b'%d\\n' % os.getpid()); time.sleep(60)"
BOUND = f"""
import subprocess, time
from headway.service.die_with_parent import bound
subprocess.Popen(bound({sys.executable!r}, "-c", {TELL!r}))
time.sleep(60)
"""
WORKERS = f"""
from headway_streamer.process import workers

def run(argument):
    exec({TELL!r})

PATCH
if __name__ == "__main__":
    raise SystemExit(workers.run_workers(run, [1, 2]))
"""
# As where the kernel has no request for it.
UNASKED = WORKERS.replace("PATCH", "workers.die_with_parent = lambda parent: False")
ASKED = WORKERS.replace("PATCH", "")

on_linux = pytest.mark.needs("Linux")


@contextmanager
def parent_of(code, children, directory):
    """A process that runs `code`, and the children that it has started."""
    script = directory / "parent.py"
    script.write_text(code)
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        try:
            yield parent, [int(parent.stdout.readline()) for _ in range(children)]
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


def end(pids):
    """Whether they end within some seconds."""
    return holds_blocking(lambda: not any(map(is_running, pids)), 10)


@pytest.mark.parametrize(
    ("code", "children"),
    [pytest.param(BOUND, 1, marks=on_linux), pytest.param(ASKED, 2, marks=on_linux), (UNASKED, 2)],
    ids=["program", "workers", "workers without the kernel's help"],
)
def test_children_end_when_their_parent_is_killed(tmp_path, code, children):
    with parent_of(code, children, tmp_path) as (parent, pids):
        assert all(map(is_running, pids))
        parent.send_signal(signal.SIGKILL)
        assert end(pids)


@pytest.mark.parametrize("code", [ASKED, UNASKED], ids=["asked", "unasked"])
def test_workers_live_as_long_as_their_parent_and_end_with_it_in_order(tmp_path, code):
    with parent_of(code, 2, tmp_path) as (parent, pids):
        assert all(map(is_running, pids))
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(10) == 1  # these workers die of the signal
        assert not any(map(is_running, pids))


def test_a_child_whose_parent_has_ended_already_does_not_begin():
    """The parent may end between the start and the request to the kernel."""
    code = "from headway.service.die_with_parent import die_with_parent; die_with_parent(1 << 30); print('alive')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
