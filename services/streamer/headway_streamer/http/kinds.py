"""The route of the task kinds."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from headway_streamer.http.responses import json_response
from headway_streamer.tasks.kinds import KindCatalogue


@get("/api/v1/kinds", tags=["kinds"], summary="List task kinds with JSON Schemas of their parameters")
async def list_kinds(kinds: NamedDependency[KindCatalogue]) -> Response[bytes]:
    return json_response({"kinds": await kinds.offers()})
