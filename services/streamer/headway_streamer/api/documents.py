"""The documents of the API as they are served."""

from __future__ import annotations

import json
from functools import cache

import yaml

from headway_streamer.api import asyncapi, openapi


@cache
def openapi_json(*, page: bool) -> bytes:
    """The OpenAPI document."""
    return _text(openapi.document(page=page))


@cache
def openapi_yaml(*, page: bool) -> bytes:
    """The OpenAPI document in YAML."""
    plain = json.loads(openapi_json(page=page))  # without objects in two places, which would become references
    return yaml.safe_dump(plain, allow_unicode=True, sort_keys=False).encode()


@cache
def asyncapi_json() -> bytes:
    """The AsyncAPI document."""
    return _text(asyncapi.document())


def _text(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
