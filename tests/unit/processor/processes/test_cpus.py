"""The CPUs that a processor may use."""

import os

import pytest

from headway_processor.processes import cpus
from headway_processor.processes.cpus import bounded_by, usable_cpus


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", 8),
        ("50000 100000", 1),
        ("150000 100000", 2),
        ("1600000 100000", 8),
        ("0 100000", 1),
        ("-1 100000", 8),
        ("100000 0", 8),
        (" ", 8),
        ("many 100000", 8),
    ],
)
def test_a_quota_bounds_the_cpus(quota, expected):
    assert bounded_by(quota, 8) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [({"cpu.max": "100000 100000"}, 1), ({"quota": "100000", "period": "100000"}, 1), ({}, None)],
    ids=["cgroup 2", "cgroup 1", "no cgroup"],
)
def test_the_quota_of_the_container_counts(tmp_path, monkeypatch, files, expected):
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(cpus, "QUOTAS", (tmp_path / "cpu.max", tmp_path / "quota"))
    monkeypatch.setattr(cpus, "PERIOD", tmp_path / "period")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8))
    monkeypatch.setattr(cpus.sys, "platform", "linux")
    assert usable_cpus() == (expected or 8)
