"""The documents of the API, held against running services and against the specifications they follow."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from headway_streamer.api import asyncapi, openapi

pytestmark = pytest.mark.security

TIMEOUT_SECONDS = 420
CONFIG = """
seed = 1

[[operations]]
include-path-regex = "/process/"
headers = { Accept = "text/event-stream" }

[[operations]]
include-operation-id = "listTasks"
# 422: no schema describes which texts are cursors of earlier pages.
checks.positive_data_acceptance.expected-statuses = ["2xx", "422"]

[[operations]]
include-operation-id = "mintStreamToken"
# 404: the body may name further tasks, which do not exist.
checks.ensure_resource_availability.enabled = false

[checks.positive_data_acceptance]
# 422: whether parameters fit is a matter of the kind, whose schema is in the list of kinds.
expected-statuses = ["2xx", "3xx", "404", "409", "422"]
"""


def get(url):
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_SECONDS + 60)
def test_no_answer_of_running_services_differs_from_the_document(services, security_figures):
    """Schemathesis makes requests of the document, fitting and not, and follows its links."""
    processor, streamer = (
        services.processor("p1"),
        services.streamer("s1", LIFETIME_SECONDS="0.1", PROCESS_KIND="script"),
    )
    processor.wait_ready()
    streamer.wait_ready()
    (services.directory / "schemathesis.toml").write_text(CONFIG)
    command = [Path(sys.executable).with_name("schemathesis"), "run", f"{streamer.url}/schema/openapi.json"]
    options = [
        "--checks",
        "all",
        "--max-examples",
        "4",
        "--request-timeout",
        "30",
        "--continue-on-failure",
        "--no-color",
    ]
    ran = subprocess.run(
        [*command, *options],
        cwd=services.directory,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-10_000:] + ran.stderr
    (cases,) = re.findall(r"(\d+) generated", ran.stdout)
    security_figures(11, "calls that schemathesis made of the document", tried=int(cases), undocumented=0)
    assert '"level": "error"' not in streamer.log.read_text()


def test_what_is_served_is_what_is_generated(services):
    streamer = services.streamer("s1")
    streamer.wait_ready()
    assert get(f"{streamer.url}/schema/openapi.json") == openapi.document()
    assert get(f"{streamer.url}/schema/asyncapi.json") == asyncapi.document()


@pytest.mark.needs("npm ci --prefix web")
def test_the_asyncapi_document_follows_its_specification():
    folder = Path(__file__).parents[2] / "web" / "node_modules" / "@asyncapi" / "specs" / "schemas"
    schema = json.loads((folder / "3.0.0.json").read_text())
    validator = {"http://json-schema.org/draft-07/schema": Draft7Validator}.get(schema["$schema"].rstrip("#"))
    assert validator is not None
    assert [error.message for error in validator(schema).iter_errors(asyncapi.document())] == []
    for component in asyncapi.document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(component)
