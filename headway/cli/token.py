"""The token of a command: from the environment or a file, never an argument, which the process list shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from headway.errors import SettingsError

TOKEN = "HEADWAY_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE = "HEADWAY_TOKEN_FILE"  # noqa: S105


def token_source(environ: Mapping[str, str] = os.environ) -> str:
    """The variable that the token comes from; empty if there is none."""
    return next((name for name in (TOKEN, TOKEN_FILE) if environ.get(name, "").strip()), "")


def read_token(environ: Mapping[str, str] = os.environ) -> str:
    """The token of `HEADWAY_TOKEN`, or of the file that `HEADWAY_TOKEN_FILE` names; empty if neither is set.

    Raises SettingsError for a file that cannot be read. A file is read for each request, so that it can be renewed.
    """
    if token := environ.get(TOKEN, "").strip():
        return token
    if not (name := environ.get(TOKEN_FILE, "")):
        return ""
    try:
        return Path(name).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{TOKEN_FILE}: {name} cannot be read: {error}") from error
