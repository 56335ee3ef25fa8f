"""The Litestar application."""

from __future__ import annotations

import logging
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.params import FromPath

from headway import __version__
from headway.errors import (
    InvalidNameError,
    MalformedEventError,
    NestedTooDeepError,
    StoreFullError,
    TooLargeError,
    UnavailableError,
)
from headway_streamer.components import Components
from headway_streamer.console.assets import Assets, accepts_gzip
from headway_streamer.http.routes import ROUTES
from headway_streamer.problems import Problem, malformed, not_found, store_full, too_deep, too_large, unavailable

ASSETS = Assets()

logger = logging.getLogger(__name__)


def create_app(core: Components) -> Litestar:
    """The public application of one streamer."""
    settings = core.settings
    return Litestar(
        route_handlers=[*ROUTES, *([index, page_file] if settings.page else [])],
        dependencies={"core": Provide(lambda: core, use_cache=True, sync_to_thread=False)},
        exception_handlers={
            Problem: _on_problem,
            UnavailableError: _on_unavailable,
            StoreFullError: _on_store_full,
            TooLargeError: _on_too_large,
            NestedTooDeepError: _on_too_deep,
            MalformedEventError: _on_malformed,
            InvalidNameError: _on_invalid_name,
            HTTPException: _on_http,
            Exception: _on_bug,
        },
        cors_config=_cors(settings.cors_origins),
        openapi_config=OpenAPIConfig(
            title="Headway",
            version=__version__,
            description="Live progress of long-running work.",
            path="/schema",
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"]), YamlRenderPlugin()],
            use_handler_docstrings=True,
        ),
        request_max_body_size=settings.max_body_bytes,
        logging_config=None,
        signature_types=[Components],
    )


def _cors(origins: tuple[str, ...]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID"],
        expose_headers=["ETag", "Location", "Retry-After"],
        allow_credentials=True,
        max_age=600,
    )


AnyRequest = Request[Any, Any, Any]


@get("/", include_in_schema=False)
async def index(request: AnyRequest) -> Response[bytes]:
    return _page(request, "index.html")


@get("/page/{name:str}", include_in_schema=False)
async def page_file(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    return _page(request, name)


def _page(request: AnyRequest, name: str) -> Response[bytes]:
    asset = ASSETS.get(name)
    if asset is None:
        raise not_found("There is no such page.")
    zipped = accepts_gzip(request.headers.get("accept-encoding", ""))
    # The bytes differ by encoding, so their tags do (RFC 9110 §8.8.3.3).
    etag = asset.etag[:-1] + '-gzip"' if zipped else asset.etag
    headers = {
        "Content-Security-Policy": ASSETS.policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": asset.cache_control,
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if etag in (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(b"", status_code=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.gzipped if zipped else asset.body, media_type=asset.media_type, headers=headers)


def _on_problem(_: AnyRequest, problem: Problem) -> Response[bytes]:
    headers = {"Cache-Control": "no-store"} | problem.headers
    return Response(problem.body(), status_code=problem.status, media_type="application/problem+json", headers=headers)


def _on_unavailable(request: AnyRequest, error: UnavailableError) -> Response[bytes]:
    logger.warning("NATS did not answer a request", extra={"action": "unavailable", "error": str(error)})
    return _on_problem(request, unavailable())


def _on_store_full(request: AnyRequest, error: StoreFullError) -> Response[bytes]:
    return _on_problem(request, store_full(error))


def _on_too_large(request: AnyRequest, error: TooLargeError) -> Response[bytes]:
    return _on_problem(request, too_large(error))


def _on_too_deep(request: AnyRequest, error: NestedTooDeepError) -> Response[bytes]:
    return _on_problem(request, too_deep(error))


def _on_malformed(request: AnyRequest, _: MalformedEventError) -> Response[bytes]:
    return _on_problem(request, malformed())  # logged where it was read, once


def _on_invalid_name(request: AnyRequest, _: InvalidNameError) -> Response[bytes]:
    return _on_problem(request, not_found())


def _on_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    faults = []
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        faults = [{"pointer": "/" + str(e.get("key", "")), "detail": str(e.get("message", ""))} for e in error.extra]
    title = _TITLES.get(error.status_code, "Error")
    headers = {k: v for k, v in (error.headers or {}).items() if k.lower() in ("allow", "retry-after")}
    return _on_problem(request, Problem(error.status_code, title, error.detail, errors=faults, headers=headers))


_TITLES = {400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large"}


def _on_bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    logger.error("a request failed", exc_info=error, extra={"action": "request_failed", "path": request.url.path})
    return _on_problem(request, Problem(500, "Internal Server Error", "The failure was logged."))
