"""The folder in which `headway dev` keeps its data."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headway.errors import HeadwayError


class DataFolderError(HeadwayError):
    """The folder is in use by another process; the message says what to do."""


@contextmanager
def locked_folder(folder: Path) -> Iterator[Path]:
    """Create `folder` if it is missing, exclude it from git, and lock it. Raises DataFolderError when it is locked.

    Two nats-servers would corrupt a shared store.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DataFolderError(
                f"{folder} is in use by another `headway dev`. Stop that one, or run in another folder."
            ) from error
        yield folder
