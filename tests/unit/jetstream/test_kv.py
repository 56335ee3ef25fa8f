"""A bucket that is read in batches and written once per key."""

import nats.js.errors
import pytest

from headway.jetstream.kv import SMALL_PAGE, Bucket, Entry

pytestmark = pytest.mark.looptime


@pytest.fixture
def bucket(client):
    return Bucket(client, "hw_tasks")


def requests(client):
    return [payload.decode() for _, payload in client.published]


async def test_value_of_a_key(client, bucket):
    client.answers((3, "t1", b"{}"))
    assert await bucket.get("t1") == b"{}"
    assert requests(client) == ['{"multi_last":["$KV.hw_tasks.t1"]}']


async def test_missing_and_deleted_keys_have_no_value(client, bucket):
    client.answers(end="404")
    assert await bucket.get("t1") is None
    client.answers((3, "t1", b""))
    assert await bucket.get("t1") is None


async def test_all_keys_that_are_not_deleted(client, bucket):
    client.answers((3, "t1", b"a"), (4, "t2", b""), (5, "t3", b"c"))
    assert await bucket.all() == [("t1", b"a"), ("t3", b"c")]


async def test_key_is_created_once(client, bucket):
    assert await bucket.create("t1", b"{}")
    client.js.failing = [nats.js.errors.BadRequestError(code=400, err_code=10071)]
    assert not await bucket.create("t1", b"{}")


async def test_page_ends_below_its_sequence(client, bucket):
    client.answers((250, "t1", b"a"), (299, "t2", b""), (300, "t3", b"c"), (301, "t4", b"d"))
    assert await bucket.newest_before(301) == ([Entry(250, "t1", b"a"), Entry(300, "t3", b"c")], 301 - SMALL_PAGE, 60.5)


async def test_newest_page_begins_at_the_end_of_the_stream(client, bucket):
    client.js.streams["KV_hw_tasks"] = object()
    client.answers((7, "t1", b"a"))
    assert await bucket.newest_before(0) == ([Entry(7, "t1", b"a")], 1, 60.5)


async def test_entries_are_counted_by_the_leader(client, bucket):
    client.js.streams["KV_hw_tasks"] = object()
    client.js.states["KV_hw_tasks"] = {"messages": 12}
    assert await bucket.count() == 12


async def test_before_the_first_there_is_nothing(client, bucket):
    assert await bucket.newest_before(1) == ([], 1, 0.0)
    assert client.published == []


async def test_page_has_the_entries_from_its_sequence_on(client, bucket):
    client.answers((7, "t1", b"a"), (9, "t2", b""))
    assert await bucket.page(7) == [Entry(7, "t1", b"a"), Entry(9, "t2", b"")]
    assert requests(client) == ['{"next_by_subj":">","seq":7,"batch":200}']


async def test_key_may_have_a_life_of_its_own(client, bucket):
    await bucket.create("t1", b"{}", life_seconds=1.2)
    (_, _, headers, _) = client.js.published[-1]
    assert headers == {"Nats-Expected-Last-Subject-Sequence": "0", "Nats-TTL": "2"}


@pytest.mark.parametrize("stored", [[], [3], [150, 151], [1, 2, 5_000], [100, 90_000], [89_500, 89_900, 90_300]])
async def test_pages_find_everything_across_large_gaps(client, bucket, stored):
    """Deleted tasks leave gaps of any size."""
    reads = []

    def on_publish(request, reply):
        reads.append(request)
        found = [seq for seq in stored if seq >= request["seq"]][: request["batch"]]
        client.answers(*((seq, f"t{seq}", b"{}") for seq in found), end="204" if found else "404")
        answer, client.on_publish = client.on_publish, on_publish
        answer(request, reply)

    client.on_publish = on_publish
    seq, pages = 100_000, []
    while seq > 1:
        values, seq, _ = await bucket.newest_before(seq)
        pages.append([entry.key for entry in values])
    assert [key for page in reversed(pages) for key in page] == [f"t{seq}" for seq in stored]
    assert len(reads) < 100


async def test_the_first_value_after_a_time(client, bucket):
    client.answers((7, "t1", b"{}"))
    assert await bucket.seq_after(1_700_000_000.5) == 7
    assert requests(client) == ['{"next_by_subj":">","start_time":"2023-11-14T22:13:20.500000+00:00","batch":1}']
    client.answers(end="404")
    assert await bucket.seq_after(1_700_000_000.5) == 0
