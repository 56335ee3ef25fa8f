"""Removal of the messages of one subject."""

import nats.js.errors
import pytest

from headway.errors import UnavailableError
from headway.jetstream.purge import Purger


@pytest.fixture
def purged(client):
    found = []

    async def purge_stream(name, **options):
        found.append((name, options))

    client.js.purge_stream = purge_stream
    return found


async def test_one_subject_is_purged_and_never_a_whole_stream(client, purged):
    await Purger(client).purge("S", "a.b")
    await Purger(client).purge("S", "a.b", 7)
    assert purged == [("S", {"subject": "a.b", "seq": None}), ("S", {"subject": "a.b", "seq": 7})]
    with pytest.raises(ValueError, match="all messages"):
        await Purger(client).purge("S", "")


async def test_a_purge_that_fails_is_an_error_of_headway(client):
    async def purge_stream(name, **options):
        raise nats.js.errors.NotFoundError(code=404, err_code=10059)

    client.js.purge_stream = purge_stream
    with pytest.raises(UnavailableError, match=r"remove a\.b from S"):
        await Purger(client).purge("S", "a.b")
