"""Where a table comes from, and where it must not come from."""

import asyncio
import gzip
import io
import tempfile
from pathlib import Path

import httpx
import pytest

from headway import TaskError
from headway.testing import MemoryLog, start_job
from headway_kinds.bulk.source import WRITE_BYTES, SourceError, download, find_file, open_source, open_stream
from headway_kinds.http.fetch import UnreachableError, open_client
from headway_kinds.settings import Settings
from tests.fixtures.hostile_site import Raw


@pytest.fixture
def data(tmp_path):
    """A data directory beside a secret."""
    (tmp_path / "secret.csv").write_text("secret")
    root = tmp_path / "data"
    (root / "more").mkdir(parents=True)
    (root / "a.csv").write_text("a\n1\n")
    (root / "more" / "b.csv").write_text("b\n2\n")
    (root / ".hidden").write_text("x")
    (root / "inside.csv").symlink_to(root / "a.csv")
    (root / "outside.csv").symlink_to(tmp_path / "secret.csv")
    (root / "up").symlink_to(tmp_path)
    (root / "circle").symlink_to(root / "circle")
    return root


@pytest.fixture
async def job():
    job = start_job(MemoryLog(), interval_seconds=0)
    yield job
    await job.abort()


@pytest.mark.parametrize("source", ["a.csv", "./a.csv", "more/../a.csv", "inside.csv"])
def test_a_file_in_the_data_directory_is_found(data, source):
    assert find_file(str(data), source).read_text() == "a\n1\n"


def test_an_absolute_path_is_fine_if_it_is_inside(data):
    assert find_file(str(data), str(data / "more" / "b.csv")).read_text() == "b\n2\n"


@pytest.mark.security
@pytest.mark.parametrize(
    "source",
    ["../secret.csv", "more/../../secret.csv", "/etc/passwd", "outside.csv", "up/secret.csv", "..", "~/x/../../.."],
)
def test_nothing_outside_is_read(data, source):
    with pytest.raises(SourceError) as raised:
        find_file(str(data), source)
    assert raised.value.type in ("OutsideDataDirectory", "FileMissing")
    assert not raised.value.retryable


@pytest.mark.security
def test_a_way_out_is_told_the_same_whether_or_not_something_is_there(data):
    messages = set()
    for source in ("../secret.csv", "../nothing.csv"):
        with pytest.raises(SourceError) as raised:
            find_file(str(data), source)
        messages.add(raised.value.message.replace(source, ""))
    assert len(messages) == 1


@pytest.mark.parametrize("source", ["x.csv", "more", ".", "a.csv/b", "x" * 5000, "a\0b", "circle"])
def test_a_file_that_is_not_there_is_told_with_those_that_are(data, source):
    with pytest.raises(SourceError) as raised:
        find_file(str(data), source)
    assert raised.value.type == "FileMissing"
    assert "a.csv" in raised.value.message
    assert "more/b.csv" in raised.value.message
    assert "hidden" not in raised.value.message


def test_of_many_files_a_few_are_told(tmp_path):
    for number in range(50):
        (tmp_path / f"{number:02}.csv").touch()
    with pytest.raises(SourceError, match=r"00\.csv, .*09\.csv …"):
        find_file(str(tmp_path), "x")


def test_without_a_data_directory_the_setting_is_named():
    with pytest.raises(SourceError, match="HEADWAY_PROCESSOR_DATA_DIR") as raised:
        find_file("", "a.csv")
    assert raised.value.type == "NoDataDirectory"


def test_gzip_is_known_by_its_first_bytes():
    assert open_stream(io.BytesIO(gzip.compress(b"a\n1\n"))).read() == b"a\n1\n"
    assert open_stream(io.BytesIO(b"a\n1\n")).read() == b"a\n1\n"
    assert open_stream(io.BytesIO(b"")).read() == b""


def web(pages):
    return open_client((), user_agent="Test/1", transport=httpx.MockTransport(lambda request: pages[str(request.url)]))


async def downloaded(job, pages, url="http://site.test/a.csv", **options):
    file = io.BytesIO()
    async with web(pages) as client:
        await download(job, client, url, file, **options)
    return file.getvalue()


def redirect(location):
    return httpx.Response(302, headers={"Location": location})


async def test_a_url_is_copied_whole(job):
    assert await downloaded(job, {"http://site.test/a.csv": httpx.Response(200, content=b"a\n1\n")}) == b"a\n1\n"


async def test_redirects_are_followed(job):
    pages = {
        "http://site.test/a.csv": redirect("https://cdn.test/b"),
        "https://cdn.test/b": redirect("/c"),
        "https://cdn.test/c": httpx.Response(200, content=b"x"),
    }
    assert await downloaded(job, pages) == b"x"


@pytest.mark.parametrize(
    ("page", "type", "retryable"),
    [
        (redirect("http://site.test/a.csv"), "TooManyRedirects", False),
        (redirect("file:///etc/passwd"), "BadUrl", False),
        (httpx.Response(404), "BadAnswer", False),
        (httpx.Response(503), "BadAnswer", True),
        (httpx.Response(204), "BadAnswer", False),
        (httpx.Response(200, content=b"x" * 11), "TooLarge", False),
    ],
)
async def test_what_cannot_be_downloaded_is_told(job, page, type, retryable):
    with pytest.raises(TaskError) as raised:
        await downloaded(job, {"http://site.test/a.csv": page}, max_bytes=10)
    assert (raised.value.type, raised.value.retryable) == (type, retryable)


@pytest.mark.security
async def test_a_url_with_user_info_is_refused(job):
    with pytest.raises(SourceError):
        await downloaded(job, {}, "http://user:secret@site.test/")


async def test_a_download_that_breaks_off_may_be_tried_again(job):
    async def broken():
        yield b"a"
        raise httpx.ReadError("reset")

    with pytest.raises(UnreachableError) as raised:
        await downloaded(job, {"http://site.test/a.csv": httpx.Response(200, content=broken())})
    assert raised.value.retryable


@pytest.mark.looptime
async def test_a_cancelled_download_stops_and_closes_its_connection(job):
    closed = asyncio.Event()
    task = asyncio.create_task(downloaded(job, {"http://site.test/a.csv": httpx.Response(200, content=drip(closed))}))
    await asyncio.sleep(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()


@pytest.mark.security
@pytest.mark.looptime
async def test_a_source_that_drips_reaches_the_deadline(job):
    closed = asyncio.Event()
    with pytest.raises(SourceError, match=r"longer than 60 s.*HEADWAY_PROCESSOR_DOWNLOAD_SECONDS") as raised:
        await downloaded(job, {"http://site.test/a.csv": httpx.Response(200, content=drip(closed))}, timeout_seconds=60)
    assert (raised.value.type, raised.value.retryable) == ("TooSlow", False)
    assert closed.is_set()


async def drip(closed):
    try:
        while True:
            await asyncio.sleep(1)
            yield b"x"
    finally:
        closed.set()


@pytest.mark.security
async def test_a_compressed_body_is_copied_as_it_is(job):
    """It is decompressed where it is read, in bounded memory."""
    packed = gzip.compress(b"a\n1\n")
    page = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Raw(packed))
    assert await downloaded(job, {"http://site.test/a.csv": page}) == packed


@pytest.mark.security
@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "deflate", "x"])
async def test_other_codings_are_refused(job, coding):
    page = httpx.Response(200, headers={"Content-Encoding": coding}, stream=Raw(b"x"))
    with pytest.raises(TaskError, match=coding):
        await downloaded(job, {"http://site.test/a.csv": page})


async def test_a_long_body_is_written_in_parts(job):
    body = bytes(3 * WRITE_BYTES + 1)
    page = httpx.Response(200, stream=Raw(body[:WRITE_BYTES], body[WRITE_BYTES:]))
    assert await downloaded(job, {"http://site.test/a.csv": page}) == body


@pytest.mark.security
async def test_a_url_inside_is_refused_and_no_file_is_left(job, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with pytest.raises(TaskError, match="HEADWAY_PROCESSOR_CRAWL_ALLOW"):
        async with open_source(job, "http://127.0.0.1/x.csv", Settings()):
            raise AssertionError("open")
    assert list(tmp_path.iterdir()) == []


async def test_a_file_is_opened_where_it_is(job, data):
    async with open_source(job, "a.csv", Settings(data_dir=str(data))) as source:
        assert source.path == Path(data / "a.csv").resolve()
