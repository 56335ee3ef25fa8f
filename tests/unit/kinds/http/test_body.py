"""Bodies are decompressed piece by piece, from one layer."""

import gzip
import re
import tracemalloc
import zlib
from pathlib import Path

import httpx
import pytest

import headway_kinds
from headway_kinds.http.body import MAX_PIECE_BYTES, ContentCodingError, Decoder, coding_of, read_body, take_coding
from tests.fixtures.hostile_site import Raw, bombs

pytestmark = pytest.mark.security

TEXT = b"".join(b"line %d of a page\n" % number for number in range(20_000))
MEBIBYTE = 1024 * 1024


def response(coding, *parts):
    headers = [] if coding is None else [("Content-Encoding", value) for value in coding.split("|")]
    made = httpx.Response(200, headers=headers, stream=Raw(*parts))
    take_coding(made)
    return made


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        (None, bytes),
        ("", bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("X-GZip", gzip.compress),
        ("identity, gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_a_single_layer_is_read_whole_however_it_arrives(coding, pack, size):
    text = TEXT if size > 10 else TEXT[:30_000]
    packed = pack(text)
    parts = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert await read_body(response(coding, *parts), len(text)) == (text, False)


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip|gzip", "deflate,gzip", "gzip, br", "gzip," * 2000 + "gzip"])
async def test_several_layers_are_refused_before_anything_is_read(coding):
    with pytest.raises(ContentCodingError, match="compressed several times") as raised:
        await read_body(response(coding, b"never read"), 10)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "x" * 5000, "*"])
async def test_codings_that_were_not_asked_for_are_refused(coding):
    with pytest.raises(ContentCodingError, match="was not asked for") as raised:
        await read_body(response(coding, b"never read"), 10)
    assert len(str(raised.value)) < 200


def test_httpx_does_not_know_of_a_coding_that_was_taken():
    made = response("gzip", b"")
    assert "Content-Encoding" not in made.headers
    assert coding_of(made) == "gzip"


@pytest.mark.parametrize("path", ["/single", "/deflate", "/raw-deflate"])
async def test_memory_is_bounded_by_what_the_caller_takes(path, security_figures):
    """Whatever a packet holds; and the pieces are small."""
    headers, body = bombs(100, b"<p>", "text/html")[path]
    tracemalloc.start()
    got, cut = await read_body(response(headers["Content-Encoding"], body), MEBIBYTE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(got), cut) == (MEBIBYTE, True)
    assert peak < 4 * MEBIBYTE
    assert max(map(len, Decoder(headers["Content-Encoding"]).pieces(body))) == MAX_PIECE_BYTES
    security_figures(6, f"memory for 100 MiB in a packet, {path[1:]}", packed=len(body), peak_mib=peak // MEBIBYTE)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_damaged_body_is_an_error(coding):
    with pytest.raises(ContentCodingError, match="damaged"):
        await read_body(response(coding, b"this is neither gzip nor deflate"), 100)


async def test_what_follows_the_compressed_data_is_ignored():
    assert await read_body(response("gzip", gzip.compress(b"a") + b"behind", b"more"), 100) == (b"a", False)


def test_no_other_module_of_the_kinds_makes_a_client_or_reads_a_body():
    """A client of `open_client` decompresses nothing; `aread`, `content` and the like read without a bound."""
    makers = re.compile(
        r"httpx\.(?:Async)?Client\(|httpx\.(?:get|post|request|stream)\(|urllib\.request|import requests"
    )
    readers = re.compile(r"\.(?:aread|read_text|json)\(|response\.(?:content|text)\b|\.aiter_(?:raw|text|lines)\(")
    found = {
        (path.name, match[0])
        for path in Path(headway_kinds.__path__[0]).rglob("*.py")
        for match in (*makers.finditer(path.read_text()), *readers.finditer(path.read_text()))
    }
    assert found == {("fetch.py", "httpx.AsyncClient(")}
