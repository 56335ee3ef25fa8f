"""The route of the processors."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from headway import __version__
from headway_streamer.access.principal import PROCESSORS
from headway_streamer.http.authentication import authorise
from headway_streamer.http.requests import AnyRequest
from headway_streamer.http.responses import json_response
from headway_streamer.tasks.kinds import KindCatalogue


@get("/api/v1/processors", tags=["processors"], summary="List the processors that are alive, with their kinds and load")
async def list_processors(request: AnyRequest, kinds: NamedDependency[KindCatalogue]) -> Response[bytes]:
    authorise(request.scope, PROCESSORS)
    return json_response({"processors": await kinds.alive(), "version": __version__})
