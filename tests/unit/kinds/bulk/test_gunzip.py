"""Gzip files are unpacked in bounded memory, and not beyond all measure."""

import gzip
import io
import tracemalloc
import zlib

import pytest

from headway_kinds.bulk import gunzip
from headway_kinds.bulk.gunzip import GrowsTooMuchError, Gunzip
from tests.fixtures.hostile_site import bomb

TEXT = b"".join(b"%d,%d\n" % (number, number**3) for number in range(50_000))
EMPTY = gzip.compress(b"")


def unpacked(packed, size=8192, **options):
    with io.BufferedReader(Gunzip(io.BytesIO(packed), **options), size) as stream:
        return b"".join(iter(lambda: stream.read(10_000), b""))


@pytest.mark.parametrize("size", [16, 8192, 1 << 20])
def test_a_file_is_unpacked_whole(size):
    assert unpacked(gzip.compress(TEXT), size) == TEXT


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(b"a") + gzip.compress(b"b"),
        gzip.compress(b"a") + bytes(70_000) + gzip.compress(b"b") + bytes(9),
        EMPTY * 10_000 + gzip.compress(b"ab"),
    ],
    ids=["two", "padded", "empty"],
)
def test_members_are_read_one_after_the_other_and_padding_is_skipped(packed):
    assert unpacked(packed) == b"ab"


def test_an_empty_file_holds_nothing():
    assert unpacked(b"") == unpacked(EMPTY) == b""


def test_a_file_that_is_cut_off_is_an_error():
    packed = gzip.compress(TEXT)
    for end in (1, 9, 100, len(packed) - 1):
        with pytest.raises(EOFError):
            unpacked(packed[:end])


@pytest.mark.parametrize("behind", [b"x", b"\0\0x", gzip.compress(b"b")[:-8] + b"12345678"], ids=["x", "padded", "sum"])
def test_a_file_that_is_damaged_is_an_error(behind):
    with pytest.raises((zlib.error, EOFError)):
        unpacked(gzip.compress(b"a") + behind)


@pytest.mark.security
def test_a_file_that_grows_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(gunzip, "FREE_BYTES", 1024 * 1024)
    assert len(unpacked(bomb(1, b""))) == 1024 * 1024
    with pytest.raises(GrowsTooMuchError, match="more than 200 times its size") as raised:
        unpacked(bomb(64, b"a,b\n"))
    assert (raised.value.type, raised.value.retryable) == ("TooLarge", False)


@pytest.mark.security
def test_memory_is_that_of_a_read(security_figures):
    packed = bomb(90, b"a,b\n")
    stream = io.BufferedReader(Gunzip(io.BytesIO(packed)), 65536)
    tracemalloc.start()
    size = sum(map(len, iter(lambda: stream.read(65536), b"")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 90 * 1024 * 1024
    assert peak < 1024 * 1024
    security_figures(6, "memory for a table of 90 MiB of zeros", packed_bytes=len(packed), peak_kib=peak // 1024)


@pytest.mark.security
@pytest.mark.parametrize(
    "packed", [EMPTY * 200_000, b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 4_000_000], ids=["members", "name"]
)
def test_a_file_without_content_can_be_cancelled(packed):
    """Members without content, and a name without an end: nothing comes of them, for long."""
    checks = []

    def check():
        checks.append(1)
        if len(checks) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        unpacked(packed, check=check)
