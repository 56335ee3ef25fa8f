"""Versions of the measured programs that are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

from bench.harness.errors import StartError
from bench.harness.nats_server import program

_DISTRIBUTIONS = [
    "headway",
    "uvicorn",
    "uvloop",
    "nats-py",
    "litestar",
    "fastapi",
    "sse-starlette",
    "saq",
    "arq",
    "celery",
]
_NUMBER = re.compile(r"\d+\.\d+(\.\d+)?")


def versions() -> dict[str, str]:
    """Versions by name; programs that are not installed are left out."""
    found = {name: installed for name in _DISTRIBUTIONS if (installed := _distribution(name))}
    commands = {
        "nats-server": [_nats_server(), "--version"],
        "nginx": [shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or "", "-v"],
        "mercure": [shutil.which("mercure") or "", "version"],
        "centrifugo": [shutil.which("centrifugo") or "", "version"],
    }
    for name, command in commands.items():
        if command[0] and (number := _answer(command)):
            found[name] = number
    return found


def _distribution(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _nats_server() -> str:
    try:
        return program()
    except StartError:
        return ""


def _answer(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    number = _NUMBER.search(done.stdout + done.stderr)
    return number[0] if number else ""
