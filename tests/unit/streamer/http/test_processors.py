"""The route of the processors."""

from headway import __version__, codec
from headway.records import ProcessorRecord


async def test_the_processors_that_are_alive_are_listed_the_oldest_first(parts, client):
    for id, since in (("p2", 20.0), ("p1", 10.0)):
        record = ProcessorRecord(kinds=["k"], name=f"pod-{id}", version="1", since=since, slots=100, running=3)
        parts.leases.set(id, codec.encode_json(record))
    answer = (await client.get("/api/v1/processors")).json()
    found = answer["processors"]
    assert answer["version"] == __version__
    assert [(one["id"], one["name"], one["running"], one["slots"]) for one in found] == [
        ("p1", "pod-p1", 3, 100),
        ("p2", "pod-p2", 3, 100),
    ]


async def test_one_of_an_earlier_version_is_listed_by_its_kinds(parts, client):
    parts.leases.set("p1", b'{"kinds":["k"]}')
    parts.leases.set("malformed", b'{"kinds":1}')
    (one,) = (await client.get("/api/v1/processors")).json()["processors"]
    assert (one["id"], one["kinds"], one["slots"]) == ("p1", ["k"], 0)
