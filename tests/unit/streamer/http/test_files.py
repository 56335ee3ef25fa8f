"""The routes of files: what is taken, shown and refused. Real sockets: tests/integration/test_files.py."""

import base64
import hashlib

import pytest

from headway import codec
from headway.records import KindRecord
from headway.values.file_param import FILE_FORMAT
from tests.unit.streamer.http.conftest import streamer

CSV = {"Content-Type": "text/csv"}


def digest(content):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


async def upload(client, content=b"a;b\n", **headers):
    return await client.post("/api/v1/files", content=content, headers=CSV | headers)


async def test_an_uploaded_file_is_shown_listed_downloaded_and_deleted(client):
    named = {"Content-Disposition": 'attachment; filename="../a b.csv"', "Content-Digest": digest(b"a;b\n")}
    answer = await upload(client, **named)
    shown = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/api/v1/files/{shown['file']}")
    assert {name: shown[name] for name in ("name", "bytes", "content_type", "sha256")} == {
        "name": "a b.csv",
        "bytes": 4,
        "content_type": "text/csv",
        "sha256": hashlib.sha256(b"a;b\n").hexdigest(),
    }
    path = answer.headers["location"]
    assert (await client.get(path)).json() == shown
    assert (await client.get("/api/v1/files")).json() == {"files": [shown], "cursor": None}
    content = await client.get(f"{path}/content")
    assert content.content == b"a;b\n"
    for name, value in {
        "content-type": "application/octet-stream",
        "content-disposition": "attachment; filename*=UTF-8''a%20b.csv",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }.items():
        assert content.headers[name] == value
    assert (await client.delete(path)).status_code == 202
    assert [(await client.get(f"{path}{rest}")).status_code for rest in ("", "/content")] == [404, 404]


async def test_a_list_has_pages(parts, client):
    made = [parts.files.add(b"x", created=float(n // 2), expires=1e10).file for n in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        page = (await client.get("/api/v1/files", params={"limit": 2, "cursor": cursor})).json()
        found += [one["file"] for one in page["files"]]
        cursor = page["cursor"]
    assert found == made[::-1]
    assert (await client.get("/api/v1/files?cursor=x")).status_code == 422


@pytest.mark.security
@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"x", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"x", {"Content-Type": "text/plain"}, 415),
        (b"x", {"Content-Digest": "sha-256=:x:"}, 400),
        (b"x", {"Content-Digest": digest(b"y")}, 422),
        (b"", {}, 422),
        (b"\0\0\1", {}, 422),
        (b"x" * 11, {}, 413),
        (b"x", {"Origin": "https://evil.example"}, 403),
    ],
    ids=str,
)
async def test_what_cannot_be_taken_is_refused_with_the_reason(log, content, headers, status):
    async with streamer(log, max_file_bytes=10) as (parts, client):
        answer = await upload(client, content, **headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["detail"]
        assert parts.files.records == {}


async def pieces(*content):
    for piece in content:
        yield piece


async def test_a_body_of_unknown_length_is_limited_while_it_arrives(log):
    async with streamer(log, max_file_bytes=10) as (parts, client):
        assert (await upload(client, pieces(b"12345", b"67890"))).json()["bytes"] == 10
        assert (await upload(client, pieces(b"12345", b"67890", b"1"))).status_code == 413
        assert len(parts.files.records) == 1


@pytest.mark.security
async def test_other_routes_take_no_large_body(log):
    async with streamer(log, max_body_bytes=100) as (_, client):
        assert (await upload(client, b"x" * 1000)).status_code == 201
        answer = await client.post("/api/v1/tasks", content=b"x" * 1000, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413


@pytest.mark.security
async def test_a_task_takes_files_of_its_owner_alone(parts, client):
    table = {"anyOf": [{"type": "string", "format": FILE_FORMAT}, {"type": "null"}]}
    schema = {
        "type": "object",
        "properties": {
            "table": table,
            "word": {"type": "string"},
            "more": {"type": "array", "items": {"$ref": "#/$defs/F"}},
        },
        "$defs": {"F": {"type": "string", "format": FILE_FORMAT}},
    }
    parts.kind_bucket.set("k", codec.encode_json(KindRecord(kind="k", params=schema)))
    own, foreign = parts.files.add(b"x").file, parts.files.add(b"x", owner="bob").file

    async def submit(**params):
        return await client.post("/api/v1/tasks", json={"kind": "k", "params": params})

    assert (await submit(table=own, word=foreign, more=[own])).status_code == 202
    for params, place in (({"table": foreign}, "/params/table"), ({"more": [own, foreign]}, "/params/more/1")):
        refused, absent = (
            await submit(**params),
            await submit(**codec.decode_json(codec.encode_json(params).replace(foreign.encode(), b"absent"))),
        )
        assert (refused.status_code, refused.json()) == (422, absent.json())
        assert refused.json()["errors"][0]["pointer"] == place
