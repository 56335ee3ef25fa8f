"""The routes of the console: the page at / and its files."""

from __future__ import annotations

from functools import cache

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from headway_streamer.access.access import Access
from headway_streamer.console.assets import Assets, accepts_gzip
from headway_streamer.http.requests import AnyRequest
from headway_streamer.problems import not_found

assets = cache(Assets)
"""The files, made once."""


@get("/", include_in_schema=False)
async def index(request: AnyRequest, access: NamedDependency[Access]) -> Response[bytes]:
    return _file(request, access, "index.html")


@get("/page/{name:str}", include_in_schema=False)
async def page_file(request: AnyRequest, access: NamedDependency[Access], name: FromPath[str]) -> Response[bytes]:
    return _file(request, access, name)


def _file(request: AnyRequest, access: Access, name: str) -> Response[bytes]:
    files = assets(access=access.settings.access, provider=access.code_flow is not None)
    asset = files.get(name)
    if asset is None:
        raise not_found("There is no such page.")
    zipped = accepts_gzip(request.headers.get("accept-encoding", ""))
    # The bytes differ by encoding, so their tags do (RFC 9110 §8.8.3.3).
    etag = asset.etag[:-1] + '-gzip"' if zipped else asset.etag
    headers = {
        "Content-Security-Policy": files.policy,
        "Cache-Control": asset.cache_control,
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if etag in (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(b"", status_code=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.gzipped if zipped else asset.body, media_type=asset.media_type, headers=headers)
