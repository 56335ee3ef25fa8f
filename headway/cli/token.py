"""The token of a command: from the environment or a file, never an argument, which the process list shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from headway.cli.errors import CommandError

TOKEN = "HEADWAY_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE = "HEADWAY_TOKEN_FILE"  # noqa: S105


def read_token(environ: Mapping[str, str] = os.environ) -> str:
    """The token of `HEADWAY_TOKEN`, or of the file that `HEADWAY_TOKEN_FILE` names; empty if neither is set.

    Raises CommandError for a file that cannot be read. A file is read for each request, so that it can be renewed.
    """
    if token := environ.get(TOKEN, "").strip():
        return token
    if not (name := environ.get(TOKEN_FILE, "")):
        return ""
    try:
        return Path(name).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{TOKEN_FILE}: {name} cannot be read: {error}") from error
