"""The command without its extras, and the package without the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headway import __version__
from headway.cli.__main__ import main
from headway.cli.local.ports import next_free
from headway.service.extras import install

BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def python(code: str, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", code, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30, cwd=cwd)


@pytest.mark.parametrize("missing", ["click", "rich", "httpx"])
def test_missing_extra_is_reported_in_one_line_with_the_install_command(missing: str) -> None:
    """A plain `pip install headway` has the command, but not what it needs."""
    run = BLOCK.format(blocked=(missing,)) + "from headway.cli.__main__ import main; main()"
    result = python(run, "ls")
    assert result.returncode == 2
    assert result.stderr == f"headway: {missing} is not installed. Run: {install('cli')}\n"


@pytest.mark.parametrize(("command", "missing"), [("dev", "watchfiles"), ("dev", "litestar"), ("demo", "airportsdata")])
def test_missing_package_of_the_demo_is_reported_in_one_line(command: str, missing: str, tmp_path: Path) -> None:
    """Before anything has started."""
    run = BLOCK.format(blocked=(missing,)) + "from headway.cli.__main__ import main; main()"
    result = python(run, command, "--port", str(next_free(19_000, 2)[0]), cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.endswith(f"{missing} is not installed. Run: {install('demo')}\n")
    assert len(result.stderr.splitlines()) == 1


def test_help_works_without_what_only_demo_needs() -> None:
    """`headway[cli]` is enough for a list of the commands."""
    run = BLOCK.format(blocked=("watchfiles", "airportsdata", "litestar", "uvicorn"))
    result = python(run + "from headway.cli.__main__ import main; main()", "--help")
    assert result.returncode == 0
    assert "demo" in result.stdout


def test_package_needs_no_extra() -> None:
    """Workers import it: each package costs time and adds risk."""
    result = python(
        "import headway, sys; print([m for m in ('httpx', 'click', 'rich', 'uvicorn') if m in sys.modules])"
    )
    assert result.stdout == "[]\n"


def test_command_line_imports_no_service() -> None:
    """Services are processes of their own."""
    code = (
        "import sys, headway.cli.commands.dev, headway.cli.commands.demo, headway.cli.commands.submit;"
        "print([m for m in sys.modules if m.startswith(('headway_', 'litestar', 'watchfiles'))])"
    )
    assert python(code).stdout == "[]\n"


@pytest.mark.parametrize(
    ("service", "missing", "extra"),
    [
        ("streamer", "uvicorn", "streamer"),
        ("streamer", "litestar", "streamer"),
        ("streamer", "jsonschema", "streamer"),
        ("processor", "prometheus_client", "processor"),
    ],
)
def test_missing_package_of_a_service_is_reported_in_one_line(service: str, missing: str, extra: str) -> None:
    """A plain install has the commands of the services."""
    result = python(BLOCK.format(blocked=(missing,)) + f"from headway_{service}.__main__ import main; main()")
    assert result.returncode == 2
    assert result.stderr == f"headway-{service}: {missing} is not installed. Run: {install(extra)}\n"


@pytest.mark.parametrize("service", ["streamer", "processor"])
def test_help_of_a_service_needs_none_of_its_extras(service: str) -> None:
    """It may be called before the installation is complete."""
    blocked = ("litestar", "uvicorn", "jsonschema", "prometheus_client", "protego", "httpx", "click", "rich")
    result = python(BLOCK.format(blocked=blocked) + f"from headway_{service}.__main__ import main; main()", "--help")
    assert result.returncode == 0
    assert f"HEADWAY_{service.upper()}_OPS_PORT (default 900" in result.stdout


def test_main_runs_the_command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With safe streams."""
    monkeypatch.setattr(sys, "argv", ["headway", "--version"])
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"headway, version {__version__}\n"


@pytest.mark.parametrize(("name", "code"), [("rich", 2), ("no_such_package", None)])
def test_main_reports_only_packages_of_extras(monkeypatch: pytest.MonkeyPatch, name: str, code: int | None) -> None:
    """Any other missing module is a bug, with its traceback."""

    def fail() -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("headway.cli.render.terminal.install_safe_streams", fail)
    with pytest.raises(SystemExit if code else ModuleNotFoundError) as caught:
        main()
    assert getattr(caught.value, "code", None) == code
