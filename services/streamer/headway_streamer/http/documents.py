"""The routes of the documents that describe the API."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency

from headway_streamer.api import documents

JSON, YAML = "application/json", "application/yaml"


class Documents:
    """The documents of one streamer; `page` tells whether it serves the console."""

    def __init__(self, *, page: bool) -> None:
        self.openapi_json = documents.openapi_json(page=page)
        self.openapi_yaml = documents.openapi_yaml(page=page)
        self.asyncapi_json = documents.asyncapi_json()


@get(["/schema", "/schema/openapi.json"])
async def openapi_json(documents: NamedDependency[Documents]) -> Response[bytes]:
    return _document(documents.openapi_json, JSON)


@get("/schema/openapi.yaml")
async def openapi_yaml(documents: NamedDependency[Documents]) -> Response[bytes]:
    return _document(documents.openapi_yaml, YAML)


@get("/schema/asyncapi.json")
async def asyncapi_json(documents: NamedDependency[Documents]) -> Response[bytes]:
    return _document(documents.asyncapi_json, JSON)


def _document(body: bytes, media_type: str) -> Response[bytes]:
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-cache"})
