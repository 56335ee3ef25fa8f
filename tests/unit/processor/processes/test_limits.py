"""The limits that the process of a handler sets itself, in a process of their own."""

import json
import resource
import subprocess
import sys

import pytest

from headway_processor.processes.limits import memory_limit, usage

HOG = """
import json, os, signal, sys
from headway_processor.processes.limits import stand_apart, memory_limit
kept = bytearray(40 * 1024 * 1024)  # taken before the limit
stand_apart()
try:
    with memory_limit(32 * 1024 * 1024):
        fits = len(bytearray(16 * 1024 * 1024))
        bytearray(64 * 1024 * 1024)
except MemoryError:
    after = len(bytearray(64 * 1024 * 1024))
os.kill(os.getpid(), signal.SIGTERM)
print(json.dumps({
    "fits": fits, "after": after, "leads": os.getpgrp() == os.getpid(),
    "oom": open("/proc/self/oom_score_adj").read().strip(),
}))
"""


@pytest.mark.needs("Linux")
def test_a_process_limits_itself_and_survives_the_signals_of_its_group():
    done = subprocess.run([sys.executable, "-c", HOG], capture_output=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    mib = 1024 * 1024
    assert (found["fits"], found["after"]) == (16 * mib, 64 * mib)
    assert (found["leads"], found["oom"]) == (True, "1000")


def test_without_a_limit_nothing_changes():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with memory_limit(None):
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.needs("Linux")
def test_usage_is_that_of_this_process():
    resident, data = usage()
    assert resident > 1024 * 1024
    assert data > 1024 * 1024
