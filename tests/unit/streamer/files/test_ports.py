"""What implements the ports, and the doubles of the tests, have all their methods with the same arguments."""

import inspect

import pytest

from headway.jetstream.file_store import FileStore, Upload
from headway.testing.stores import MemoryFiles, MemoryUpload
from headway_streamer.files import ports


def methods(port):
    return [name for name, member in vars(port).items() if inspect.isfunction(member) and not name.startswith("_")]


@pytest.mark.parametrize(
    ("port", "made"),
    [(ports.Files, FileStore), (ports.Files, MemoryFiles), (ports.Upload, Upload), (ports.Upload, MemoryUpload)],
)
def test_both_have_all_methods_of_the_port(port, made):
    assert methods(port)
    for name in methods(port):
        assert list(inspect.signature(getattr(made, name)).parameters) == list(
            inspect.signature(getattr(port, name)).parameters
        )
