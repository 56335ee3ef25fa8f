"""The private APIs of nats-py that the reconnecting client relies on."""

import hashlib
import inspect

import pytest
from nats.aio.client import Client


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        ("connect", "a333807745c3c9fb"),
        ("_close", "9a92d3aca1b2c1fd"),
        ("_attempt_reconnect", "2bbc96e0f2f765ec"),
        ("_process_connect_init", "e1ed2da075c82ab0"),
        ("_process_op_err", "d4257cb1203cdbcb"),
        ("_process_err", "ceb70f44e38fa728"),
        ("_connect_command", "1999c01f55c91ecc"),
        ("_read_loop", "b44b9401f436dd0e"),
        ("_flush_pending", "317c8d7ef54b90b7"),
    ],
)
def test_nats_py_is_as_it_was_when_the_lasting_client_was_written(method, digest):
    source = inspect.getsource(getattr(Client, method))
    assert hashlib.sha256(source.encode()).hexdigest()[:16] == digest
