"""Run the unit and integration tests with every supported Python that this machine has: `make test-all`.

The supported versions are those of the classifiers in pyproject.toml. Each one found gets a virtual environment of its
own, `.venv-3.x`, set up from the same lock as `.venv`. One that is missing is named and fails nothing.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ("tests/unit", "tests/integration")
CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)")
IS_VERSION = "import sys; sys.exit('%d.%d' % sys.version_info[:2] != sys.argv[1])"


def supported(pyproject: str) -> list[str]:
    """The versions of Python that the classifiers of a pyproject.toml name, oldest first."""
    classifiers = tomllib.loads(pyproject)["project"]["classifiers"]
    found = [match[1] for line in classifiers if (match := CLASSIFIER.fullmatch(line))]
    return sorted(found, key=lambda version: int(version.partition(".")[2]))


def candidates(version: str) -> Iterator[str]:
    """Paths that may be a Python of `version`: on the PATH, pyenv's from newest to oldest, what uv finds."""
    for folder in os.get_exec_path():
        yield from filter(None, [shutil.which(f"python{version}", path=folder)])
    releases = (Path.home() / ".pyenv" / "versions").glob(f"{version}.*")
    for release in sorted(
        releases, key=lambda path: [int(part) for part in re.findall(r"\d+", path.name)], reverse=True
    ):
        yield str(release / "bin" / f"python{version}")
    if uv := shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])):
        command = [uv, "python", "find", "--no-python-downloads", "--quiet", version]
        yield from subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def works(python: str, version: str) -> bool:
    """Whether `python` starts and is of `version`: a shim of pyenv is on the PATH also for versions that are off."""
    try:
        return subprocess.run([python, "-c", IS_VERSION, version], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def find(version: str) -> str | None:
    """The path of a Python of `version`, or None."""
    return next((path for path in candidates(version) if works(path, version)), None)


def run(version: str, python: str, arguments: list[str]) -> int:
    """Set up `.venv-VERSION` and run the tests in it. Returns the exit status of make."""
    chosen = shlex.join([*LEVELS, *arguments])
    variables = [f"PYTHON={python}", f"VENV=.venv-{version}", f"ARGS={chosen.replace('$', '$$')}"]
    return subprocess.run(["make", "--no-print-directory", "test", *variables], cwd=ROOT, check=False).returncode


def main(arguments: list[str]) -> int:
    """Returns 0 when every version found passes, and 1 when one fails or none is found."""
    said: list[str] = []
    failed = tested = 0
    for version in supported((ROOT / "pyproject.toml").read_text()):
        python = find(version)
        if python is None:
            said.append(f"Python {version}: missing (not on the PATH, in ~/.pyenv/versions or known to uv)")
            continue
        print(f"== Python {version}: {python}", flush=True)
        began = time.monotonic()
        status = run(version, python, arguments)
        tested += 1
        failed += status != 0
        said.append(f"Python {version}: {'FAILED' if status else 'passed'} in {time.monotonic() - began:.0f} s")
    print("==", *said, sep="\n")
    return 1 if failed or not tested else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
