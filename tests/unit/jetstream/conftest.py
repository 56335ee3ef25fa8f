"""A client in memory for each test."""

import pytest

from tests.unit.jetstream.fakes import FakeClient


@pytest.fixture
def client():
    return FakeClient()
