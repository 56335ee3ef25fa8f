"""Fixtures of all integration tests: a real NATS, and a namespace of its own for each test."""

import os

import pytest

from headway.jetstream import provision
from headway.jetstream.connection import Connection, NatsSettings
from headway.subjects import Names
from tests.fixtures.nats import run_nats


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory):
    """One server for all tests that do not harm it."""
    with run_nats(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def own_nats_server(tmp_path):
    """A server that the test may kill."""
    with run_nats(tmp_path) as server:
        yield server


@pytest.fixture
def names():
    """The names of a fresh namespace."""
    return Names(f"t{os.urandom(4).hex()}")


@pytest.fixture
async def connection(nats_server, names):
    """An open connection, with the streams and buckets of `names`."""
    connection = Connection(NatsSettings(url=nats_server.url, namespace=names.namespace), "test")
    await connection.open()
    await provision.ensure(connection.client.jetstream(), names)
    yield connection
    await connection.close()
