"""Which Pythons `make test-all` runs the tests with, and what it returns."""

import sys
from pathlib import Path

import pytest

from tests import versions

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
CLASSIFIERS = """
[project]
classifiers = [
  "Programming Language :: Python :: 3",
  "Programming Language :: Python :: 3.10",
  "Programming Language :: Python :: 3.9",
  "Typing :: Typed",
]
"""


def test_versions_are_those_of_the_classifiers():
    assert versions.supported(CLASSIFIERS) == ["3.9", "3.10"]


def test_the_project_supports_this_python():
    assert HERE in versions.supported((versions.ROOT / "pyproject.toml").read_text())


def test_a_python_works_when_it_starts_and_is_of_the_version():
    assert versions.works(sys.executable, HERE)
    assert not versions.works(sys.executable, "3.1")
    assert not versions.works("/absent/python", HERE)


def test_a_command_that_cannot_start_is_passed_over_for_one_of_pyenv(monkeypatch, tmp_path):
    """As the shim of a version that is installed but not selected."""
    shims, release = tmp_path / "shims", tmp_path / ".pyenv" / "versions" / f"{HERE}.7" / "bin"
    for folder, script in ((shims, "#!/bin/sh\nexit 127\n"), (release, f'#!/bin/sh\nexec {sys.executable} "$@"\n')):
        folder.mkdir(parents=True)
        (folder / f"python{HERE}").write_text(script)
        (folder / f"python{HERE}").chmod(0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert versions.find(HERE) == str(release / f"python{HERE}")


def test_newer_releases_of_pyenv_come_first(monkeypatch, tmp_path):
    for name in ("3.90.2", "3.90.11", "3.9.1"):
        (tmp_path / ".pyenv" / "versions" / name).mkdir(parents=True)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(versions.shutil, "which", lambda *_, **__: None)
    assert [Path(path).parts[-3] for path in versions.candidates("3.90")] == ["3.90.11", "3.90.2"]


@pytest.mark.parametrize(
    ("found", "failing", "status"),
    [({"3.11", "3.12"}, set(), 0), ({"3.12"}, {"3.12"}, 1), ({"3.11", "3.12"}, {"3.11"}, 1), (set(), set(), 1)],
    ids=["all pass", "the only one fails", "one of two fails", "none is found"],
)
def test_each_version_is_one_line_and_one_failure_fails(monkeypatch, capsys, found, failing, status):
    monkeypatch.setattr(versions, "supported", lambda _: ["3.11", "3.12", "3.13"])
    monkeypatch.setattr(versions, "find", lambda version: f"/bin/{version}" if version in found else None)
    monkeypatch.setattr(versions, "run", lambda version, *_: 2 if version in failing else 0)
    assert versions.main([]) == status
    words = [line.split()[2] for line in capsys.readouterr().out.partition("==\n")[2].splitlines()]
    assert words == [
        "missing" if version not in found else "FAILED" if version in failing else "passed"
        for version in ("3.11", "3.12", "3.13")
    ]


def test_arguments_reach_pytest_whole(monkeypatch):
    commands = []
    monkeypatch.setattr(
        versions.subprocess, "run", lambda command, **_: commands.append(command) or type("", (), {"returncode": 3})
    )
    assert versions.run("3.12", "/bin/python3.12", ["-k", "a or $b"]) == 3
    assert commands[0][2:] == [
        "test",
        "PYTHON=/bin/python3.12",
        "VENV=.venv-3.12",
        "ARGS=tests/unit tests/integration -k 'a or $$b'",
    ]
