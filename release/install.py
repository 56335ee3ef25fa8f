"""Install locked requirements into the environment whose Python runs this: with uv, which takes a fifth of pip's time.

Make runs it in a new virtual environment, so it needs nothing but the standard library. pip brings uv itself, in the
locked version. Indexes, certificates and proxies that pip is configured with apply to uv as well. Where uv cannot
install, pip does.

    python -m release.install requirements/dev.lock
    python -m release.install --no-deps --target folder requirements/model.lock
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements" / "dev.lock"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
INSTALL = [*PIP, "install", "--quiet", "--no-compile", "--require-hashes"]
VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
"""What uv reads in place of an option of pip; lists are separated by spaces in both."""
ONLY_PIP = {"no-index", "client-cert", "keyring-provider"}
"""Options of pip with which uv is not tried."""


def main(arguments: list[str]) -> int:
    """Install the named locks, with options that pip and uv share. Returns the exit code."""
    requirements = [word for argument in arguments for word in _words(argument)]
    options = pip_options(_output([*PIP, "config", "list"]))
    if ONLY_PIP.isdisjoint(options) and _install_with_uv(requirements, uv_variables(options)):
        return 0
    print("pip installs, which takes longer …", file=sys.stderr)
    return _run([*INSTALL, *requirements])


def pip_options(listed: str) -> dict[str, str]:
    """The options that `pip config list` prints: `global.index-url='…'`, and `:env:.cert='…'` for variables."""
    found: dict[str, str] = {}
    for line in listed.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return found


def uv_variables(options: Mapping[str, str]) -> dict[str, str]:
    """The environment of uv that means the same as these options of pip."""
    return {variable: " ".join(options[name].split()) for name, variable in VARIABLES.items() if name in options}


def locked(lock: str, package: str) -> str:
    """The lines of a lock that pin `package`. Raises LookupError when there are none."""
    found = re.search(rf"^{re.escape(package)}==.*\n(?:[ \t]+.*\n)*", lock, re.MULTILINE)
    if found is None:
        raise LookupError(f"{package} is not locked")
    return found[0]


def _words(argument: str) -> list[str]:
    return ["--requirement", argument] if argument.endswith(".lock") else [argument]


def _install_with_uv(requirements: list[str], variables: Mapping[str, str]) -> bool:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists() and not _install_uv():
        return False
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix, **variables}
    command = [str(uv), "pip", "install", "--quiet", "--system-certs", "--require-hashes", *requirements]
    return _run(command, environment) == 0


def _install_uv() -> bool:
    with _file(locked(LOCK.read_text(), "uv")) as path:
        return _run([*INSTALL, "--requirement", path]) == 0


@contextmanager
def _file(text: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "uv.lock"
        path.write_text(text)
        yield str(path)


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _run(command: list[str], environment: Mapping[str, str] | None = None) -> int:
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
