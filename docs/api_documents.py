"""Writes the pages of the OpenAPI and AsyncAPI documents, for docs/generate.py."""

from __future__ import annotations

from typing import Any

from headway_streamer.api import asyncapi, openapi

Described = dict[str, Any]

OPENAPI_HEAD = """# OpenAPI

Every route with its parameters and all its answers. The same is served by each streamer at `/schema/openapi.json` and
`/schema/openapi.yaml`; [openapi.json](openapi.json) is a copy of it. [HTTP API](http-api.md) explains it.

Types for TypeScript: `npx openapi-typescript openapi.json -o headway.d.ts`.

<!-- excerpt: web/test/openapi.test.mjs checks a use of the types -->
```ts
import type { components } from './headway';

type Events = components['schemas']['StreamEvents'];
source.addEventListener('chunk', (event) => {
  const chunk: Events['chunk'] = JSON.parse(event.data);
});
```

`make docs` generates this page from the sources.
"""
ASYNCAPI_HEAD = """# AsyncAPI

The subjects in NATS and the events of streams (AsyncAPI 3.0). The same is served by each streamer at
`/schema/asyncapi.json`; [asyncapi.json](asyncapi.json) is a copy of it. [Events](events.md) explains the messages.

`make docs` generates this page from the sources.
"""


def openapi_page() -> str:
    """A section for each route, and the list of problems."""
    document = openapi.document()
    sections = [
        _operation(method.upper(), path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    problems = [f"| {status} | {one['description']} |" for status, one in document["components"]["responses"].items()]
    table = "## Problems\n\nAll are `application/problem+json`.\n\n| | |\n|---|---|\n" + "\n".join(problems) + "\n"
    return "\n".join([OPENAPI_HEAD, *sections, table])


def _operation(method: str, path: str, described: Described) -> str:
    lines = [f"## {method} `{path}`", "", f"{described['summary']} (`{described['operationId']}`).", ""]
    if parameters := described.get("parameters"):
        lines += ["| parameter | in | schema | |", "|---|---|---|---|", *map(_parameter, parameters), ""]
    if body := described.get("requestBody"):
        lines += [f"Body: {_content(body['content'])}.", ""]
    answers = {status: one for status, one in described["responses"].items() if "$ref" not in one}
    lines += ["| status | answer | |", "|---|---|---|"]
    for status, one in answers.items():
        lines.append(f"| {status} | {_content(one.get('content', {})) or '–'} | {one['description']} |")
    lines += ["", f"Problems: {', '.join(status for status in described['responses'] if status not in answers)}.", ""]
    return "\n".join(lines)


def _parameter(described: Described) -> str:
    name = f"`{described['name']}`" + (", required" if described["required"] else "")
    return f"| {name} | {described['in']} | {_schema(described['schema'])} | {described['description']} |"


def _content(content: Described) -> str:
    return ", or ".join(f"`{media}` {_schema(one['schema'])}".rstrip() for media, one in content.items())


def _schema(schema: Described) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    bounds = [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    if "maxLength" in schema:
        bounds.append(f"at most {schema['maxLength']} characters")
    if "pattern" in schema:
        bounds.append(f"`{schema['pattern']}`")
    if "items" in schema:
        bounds.append(_schema(schema["items"]))
    return " ".join([str(schema.get("type", "")), *bounds]).strip()


def asyncapi_page() -> str:
    """The channels, with what Headway sends and receives there."""
    document = asyncapi.document()
    uses: dict[str, list[str]] = {}
    for name, operation in document["operations"].items():
        channel = operation["channel"]["$ref"].rpartition("/")[2]
        uses.setdefault(channel, []).append(f"{operation['action']}s: {operation['summary']} (`{name}`)")
    rows = []
    for name, channel in document["channels"].items():
        messages = ", ".join(f"`{message}`" for message in channel["messages"])
        address = channel["address"].replace("|", "\\|")
        rows.append(f"| `{address}` | {messages} | {channel['description']} Headway {'; '.join(uses[name])} |")
    return f"{ASYNCAPI_HEAD}\n| channel | messages | |\n|---|---|---|\n" + "\n".join(rows) + "\n"
