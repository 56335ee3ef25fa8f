"""Source trees of commits, and where the product is imported from."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness.errors import BenchError

ROOT = Path(__file__).parents[2]
_PACKAGES = ["headway", "headway_streamer"]
_WHERE = f"import {', '.join(_PACKAGES)}; print(*({', '.join(f'{name}.__file__' for name in _PACKAGES)},), sep='\\n')"


class TreeError(BenchError):
    """A commit cannot be checked out, or its product cannot be imported."""


def resolve(commit: str) -> str:
    """The full id of a commit. Raises TreeError with what to do when it is unknown."""
    try:
        return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    except TreeError as error:
        raise TreeError(
            f"unknown commit {commit!r}: `git log --oneline` lists commits; in a shallow clone run "
            f"`git fetch --unshallow` first{f' ({error})' if str(error) else ''}"
        ) from None


def is_dirty() -> bool:
    """Whether the working tree has changes that are not committed."""
    return bool(_git("status", "--porcelain", "--untracked-files=no"))


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Check a commit out into a detached worktree; it is removed at the end of the block, also after an exception."""
    with tempfile.TemporaryDirectory(prefix="headway-base-") as folder:
        tree = Path(folder) / "tree"
        try:
            _git("worktree", "add", "--detach", "--quiet", str(tree), commit)
            yield tree
        finally:
            if tree.exists():
                _git("worktree", "remove", "--force", str(tree))


def prepare(tree: Path) -> list[Path]:
    """Compile a tree, so that its first server does not. Returns the folders for PYTHONPATH. Raises TreeError."""
    folders = [tree, tree / "services" / "streamer", tree / "services" / "processor"]
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", *map(str, folders[1:]), str(tree / "headway")], check=False
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    found = subprocess.run(
        [sys.executable, "-c", _WHERE], cwd=tree.parent, env=environment, capture_output=True, text=True, check=False
    )
    if found.returncode:
        reason = (found.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise TreeError(f"the product of {tree} cannot be imported with the installed libraries: {reason}")
    strays = [path for path in found.stdout.split("\n") if path and not Path(path).is_relative_to(tree)]
    if strays:
        raise TreeError(f"the product would be imported from {strays[0]}, and not from {tree}: reinstall it editable")
    return folders


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise TreeError("git is not installed") from None
    if done.returncode:
        raise TreeError(done.stderr.strip())
    return done.stdout.strip()
