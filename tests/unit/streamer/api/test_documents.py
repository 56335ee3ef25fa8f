"""The documents as text."""

import json

import yaml

from headway_streamer.api import asyncapi, documents, openapi


def test_both_forms_are_the_same_document():
    for page in (True, False):
        assert json.loads(documents.openapi_json(page=page)) == openapi.document(page=page)
        text = documents.openapi_yaml(page=page).decode()
        assert yaml.safe_load(text) == openapi.document(page=page)
        assert "&id" not in text
    assert json.loads(documents.asyncapi_json()) == asyncapi.document()
