"""The source of a table: a file in the data directory, or a URL that is first copied to a temporary file."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import httpx

from headway import Job, TaskError, __version__
from headway_kinds.bulk.gunzip import READ_BYTES, Gunzip
from headway_kinds.http.body import coding_of
from headway_kinds.http.fetch import (
    MAX_REDIRECTS,
    REDIRECTS,
    UnreachableError,
    announced_bytes,
    open_client,
    reason_of,
    redirect_target,
)
from headway_kinds.http.urls import normalise
from headway_kinds.settings import DATA_DIR_VARIABLE, DOWNLOAD_SECONDS_VARIABLE, Settings

USER_AGENT = f"Headway-bulk/{__version__}"
MAX_DOWNLOAD_BYTES = 1024**3
DOWNLOAD_SECONDS = 600.0
WRITE_BYTES = 1024 * 1024
MAX_LISTED = 10
_GZIP = b"\x1f\x8b"


class SourceFile(NamedTuple):
    """The content of a source, in a file that can be read."""

    path: Path
    version: str
    """Differs when the content has changed; empty when that cannot be known."""


class SourceError(TaskError):
    """The source cannot be used as given; not retryable."""

    def __init__(self, message: str, type: str) -> None:
        super().__init__(message, type=type, retryable=False)


@asynccontextmanager
async def open_source(job: Job, source: str, settings: Settings) -> AsyncIterator[SourceFile]:
    """Open the file that `source` names while the block runs; a URL is copied to a temporary file first.

    Raises SourceError, UnreachableError, ForbiddenAddressError.
    """
    if not source.lower().startswith(("http://", "https://")):
        path = await asyncio.to_thread(find_file, settings.data_dir, source)
        yield SourceFile(path, _version_of(path))
        return
    job.step("Downloading", unit="bytes", upto=30)
    with tempfile.NamedTemporaryFile(prefix="headway-bulk-") as file:
        async with open_client(settings.crawl_allow, user_agent=USER_AGENT) as client:
            target = cast("BinaryIO", file)
            version = await download(job, client, source, target, timeout_seconds=settings.download_seconds)
        file.flush()
        yield SourceFile(Path(file.name), version)


def _version_of(path: Path) -> str:
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns}"


def find_file(data_dir: str, source: str) -> Path:
    """Return the path of `source` in `data_dir`, links resolved. Raises SourceError when it is outside or missing."""
    if not data_dir:
        raise SourceError(
            "This processor has no data directory, so only http(s) URLs can be read. "
            f"Its operator sets {DATA_DIR_VARIABLE} to offer files.",
            "NoDataDirectory",
        )
    root = Path(data_dir).resolve()
    try:
        path = (root / source).resolve()
        inside, found = path.is_relative_to(root), path.is_file()
    except (OSError, ValueError, RuntimeError):  # a name that is too long, a NUL, a loop of links
        inside, found = True, False
    if not inside:
        raise SourceError(f"{source!r} is not in the data directory. {_list_files(root)}", "OutsideDataDirectory")
    if not found:
        raise SourceError(f"There is no file {source!r} in the data directory. {_list_files(root)}", "FileMissing")
    return path


def open_stream(raw: BinaryIO, check: Callable[[], None] = lambda: None) -> BinaryIO:
    """Return `raw`, a file at its beginning, decompressed if it is gzip; see `Gunzip` for `check`."""
    packed = raw.read(2) == _GZIP
    raw.seek(0)
    return cast("BinaryIO", io.BufferedReader(Gunzip(raw, check), READ_BYTES)) if packed else raw


async def download(
    job: Job,
    client: httpx.AsyncClient,
    url: str,
    file: BinaryIO,
    *,
    max_bytes: int = MAX_DOWNLOAD_BYTES,
    timeout_seconds: float = DOWNLOAD_SECONDS,
) -> str:
    """Copy the content of `url` into `file`, following redirects, and return its version: see `SourceFile`.

    Raises UnreachableError, SourceError.

    A body that is compressed as gzip is copied as it is.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _follow(job, client, url, file, max_bytes)
    except TimeoutError as error:
        raise SourceError(
            f"The download of {url} takes longer than {timeout_seconds:g} s, the limit. "
            f"Try a faster source; the operator of the processor sets {DOWNLOAD_SECONDS_VARIABLE}.",
            "TooSlow",
        ) from error


async def _follow(job: Job, client: httpx.AsyncClient, url: str, file: BinaryIO, max_bytes: int) -> str:
    target = normalise(url, "")
    for _ in range(MAX_REDIRECTS + 1):
        if target is None:
            raise SourceError(f"{url!r} is not a valid web address, or redirects to an invalid one.", "BadUrl")
        try:
            async with client.stream("GET", target) as response:
                if response.status_code not in REDIRECTS:
                    size = await _copy(job, target, response, file, max_bytes)
                    return _version(response, size)
                target = redirect_target(target, response)
        except (httpx.HTTPError, UnicodeError) as error:
            raise UnreachableError(target or url, reason_of(error)) from error
    raise SourceError(f"{url} redirects more than {MAX_REDIRECTS} times.", "TooManyRedirects")


async def _copy(job: Job, url: str, response: httpx.Response, file: BinaryIO, max_bytes: int) -> int:
    if response.status_code != 200:
        raise TaskError(
            f"{url} responds with {response.status_code} {response.reason_phrase}. Check the address.",
            type="BadAnswer",
            retryable=response.status_code >= 500 or response.status_code == 429,
        )
    if (coding := coding_of(response)) not in ("", "gzip"):
        raise SourceError(f"{url} is compressed as {coding}, which was not asked for.", "BadAnswer")
    job.update(total=announced_bytes(response), message=url)
    size, waiting = 0, bytearray()
    async for part in response.aiter_bytes():
        size += len(part)
        if size > max_bytes:
            raise SourceError(f"{url} is larger than {max_bytes} bytes, the limit for downloads.", "TooLarge")
        waiting += part
        if len(waiting) >= WRITE_BYTES:
            await asyncio.to_thread(file.write, waiting)  # a busy disk would block all tasks
            waiting = bytearray()
        job.advance(len(part))
    await asyncio.to_thread(file.write, waiting)
    return size


def _version(response: httpx.Response, size: int) -> str:
    mark = response.headers.get("ETag") or response.headers.get("Last-Modified")
    return f"{size} {mark}" if mark else ""


def _list_files(root: Path) -> str:
    names: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(folder).relative_to(root)
        names += [str(inside / name) for name in sorted(files) if not name.startswith(".")]
        if len(names) >= MAX_LISTED:
            break
    if not names:
        return "It is empty."
    return f"There are: {', '.join(names[:MAX_LISTED])}{' …' if len(names) > MAX_LISTED else ''}"
