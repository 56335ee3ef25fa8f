"""The routes of the documents."""

import json

import pytest

from headway.testing import MemoryLog
from headway_streamer.api import asyncapi, openapi
from tests.unit.streamer.http.conftest import streamer


@pytest.mark.parametrize("path", ["/schema", "/schema/openapi.json"])
async def test_the_openapi_document_is_served(client, path):
    reply = await client.get(path)
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == openapi.document()


async def test_it_is_served_in_yaml(client):
    reply = await client.get("/schema/openapi.yaml")
    assert reply.headers["content-type"] == "application/yaml"
    assert reply.text.startswith("openapi: 3.1.0\n")


async def test_the_asyncapi_document_is_served(client):
    assert json.loads((await client.get("/schema/asyncapi.json")).content) == asyncapi.document()


async def test_other_documents_are_not_found(client):
    reply = await client.get("/schema/x")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


async def test_a_page_that_is_not_served_is_not_described():
    async with streamer(MemoryLog(), page=False) as (_, client):
        assert "/" not in (await client.get("/schema")).json()["paths"]
