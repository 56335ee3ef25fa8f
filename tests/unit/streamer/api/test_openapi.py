"""The OpenAPI document. Answers are held against it by `tests.fixtures.documented`."""

import re

from jsonschema import Draft202012Validator

from headway_streamer.api import openapi

DOCUMENT = openapi.document()


def references(node):
    if isinstance(node, dict):
        yield from (node[key] for key in ("$ref",) if key in node)
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference):
    node = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_reference_leads_somewhere_and_every_schema_is_used():
    found = set(references(DOCUMENT))
    assert all(resolve(reference) for reference in found)
    used = {reference.rpartition("/")[2] for reference in found if "/schemas/" in reference}
    assert used == set(DOCUMENT["components"]["schemas"])


def test_every_schema_is_one():
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_bodies_streams_and_headers_are_described_as_they_are():
    paths = DOCUMENT["paths"]
    body = paths["/api/v1/tasks"]["post"]["requestBody"]
    assert body["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Submission"}}}
    stream = paths["/tasks/{task}/stream"]["get"]
    assert list(stream["responses"]["200"]["content"]) == ["text/event-stream"]
    assert {"Last-Event-ID", "cursor", "from", "merge"} < {one["name"] for one in stream["parameters"]}
    assert "Idempotency-Key" in {one["name"] for one in paths["/api/v1/tasks"]["post"]["parameters"]}
    assert set(paths["/api/v1/tasks"]["post"]["responses"]["202"]["links"]) > {"getTask", "cancelTask", "retryTask"}


def test_errors_are_problems():
    for name, response in DOCUMENT["components"]["responses"].items():
        assert re.fullmatch(r"[45]\d\d", name)
        assert list(response["content"]) == ["application/problem+json"]


def test_without_the_page_its_files_are_not_described():
    assert "/" not in openapi.document(page=False)["paths"]
