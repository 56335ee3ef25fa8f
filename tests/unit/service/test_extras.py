"""The command that installs an extra fits how Headway was installed."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError

import pytest

from headway.service import extras
from headway.service.extras import install, missing


class Installed:
    """A distribution whose origin pip has recorded."""

    def __init__(self, origin: object) -> None:
        self._text = None if origin is None else json.dumps(origin)

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self._text


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (
            {"url": "file:///src/my%20headway", "dir_info": {"editable": True}},
            "pip install -e '/src/my headway[streamer]'",
        ),
        ({"url": "file:///src/headway", "dir_info": {}}, "pip install '/src/headway[streamer]'"),
        ({"url": "file:///h-1-py3-none-any.whl", "archive_info": {}}, "pip install '/h-1-py3-none-any.whl[streamer]'"),
        (
            {"url": "https://h/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "pip install 'headway[streamer] @ git+https://h/r.git@abc'",
        ),
        ([], "pip install 'headway[streamer]'"),
    ],
)
def test_extra_is_installed_from_where_headway_came(origin, command, monkeypatch, tmp_path) -> None:
    """A checkout in the way it was installed, a wheel, a repository; an index where nothing is recorded."""
    monkeypatch.setattr(extras, "distribution", lambda name: Installed(origin))
    monkeypatch.setattr(extras, "CHECKOUT", tmp_path)
    assert install("streamer") == command


def test_checkout_that_is_not_installed_is_installed(monkeypatch, tmp_path) -> None:
    """It was found on the path."""

    def none(name: str) -> None:
        raise PackageNotFoundError(name)

    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(extras, "distribution", none)
    monkeypatch.setattr(extras, "CHECKOUT", tmp_path)
    assert install("cli") == f"pip install -e '{tmp_path}[cli]'"


def test_the_checkout_is_the_folder_of_the_project() -> None:
    """Wherever the module lies in it."""
    assert (extras.CHECKOUT / "pyproject.toml").is_file()


def test_message_is_one_line_with_the_command() -> None:
    """For stderr."""
    text = missing("headway-streamer", ModuleNotFoundError("No module named 'x'", name="x"), "streamer")
    assert text == f"headway-streamer: x is not installed. Run: {install('streamer')}\n"
