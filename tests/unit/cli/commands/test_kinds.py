"""`headway kinds` against a scripted server."""

from __future__ import annotations

import json

from tests.fixtures.scripted_server import KIND, ScriptedServer, headway


def test_kinds_shows_what_no_processor_offers(server: ScriptedServer) -> None:
    """A kind stays known when its processors have gone."""
    server.json("GET /api/v1/kinds", {"kinds": [KIND | {"processors": 0, "live": False}]})
    assert "crawl  Crawl a site.\n  no processor offers it now\n" in headway("kinds").output


def test_kinds_shows_parameters_with_type_and_default(server: ScriptedServer) -> None:
    """What `submit` needs to be told."""
    output = headway("kinds").output
    for part in ("crawl  Crawl a site.\n", "  url    string, required  Where to begin.", "  pages  integer, default 5"):
        assert part in output
    assert json.loads(headway("kinds", "crawl", "--json").stdout) == KIND
    assert headway("kinds", "fly").exit_code == 2
