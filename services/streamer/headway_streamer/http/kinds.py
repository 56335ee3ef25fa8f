"""The route of the task kinds."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from headway_streamer.access.principal import SUBMIT
from headway_streamer.http.authentication import authorise
from headway_streamer.http.requests import AnyRequest
from headway_streamer.http.responses import json_response
from headway_streamer.tasks.kinds import KindCatalogue


@get("/api/v1/kinds", tags=["kinds"], summary="List task kinds with JSON Schemas of their parameters")
async def list_kinds(request: AnyRequest, kinds: NamedDependency[KindCatalogue]) -> Response[bytes]:
    principal = authorise(request.scope, SUBMIT)
    return json_response({"kinds": [kind for kind in await kinds.offers() if principal.may_run(kind["kind"])]})
