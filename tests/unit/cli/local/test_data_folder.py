"""The lock of the data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.cli.local.data_folder import DataFolderError, locked_folder


def test_folder_is_for_one_process(tmp_path: Path) -> None:
    """Two nats-servers would corrupt a shared store. The lock is released at the end."""
    folder = tmp_path / ".headway"
    with locked_folder(folder):
        assert (folder / ".gitignore").read_text() == "*\n"
        with pytest.raises(DataFolderError, match="in use by another"), locked_folder(folder):
            pass
    with locked_folder(folder):
        pass
