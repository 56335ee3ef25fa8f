"""`headway kinds` against a scripted server."""

from __future__ import annotations

import json

from tests.fixtures.scripted_server import KIND, ScriptedServer, headway


def test_kind_that_no_processor_offers_is_marked(server: ScriptedServer) -> None:
    """Kinds are kept after their processors have stopped."""
    server.json("GET /api/v1/kinds", {"kinds": [KIND | {"processors": 0, "live": False}]})
    assert "crawl  Crawl a site.\n  no processor offers it now\n" in headway("kinds").output


def test_kinds_shows_parameters_with_type_and_default(server: ScriptedServer) -> None:
    """The words that `submit` takes."""
    output = headway("kinds").output
    for part in ("crawl  Crawl a site.\n", "  url    string, required  Where to begin.", "  pages  integer, default 5"):
        assert part in output
    assert json.loads(headway("kinds", "crawl", "--json").stdout) == KIND
    assert headway("kinds", "fly").exit_code == 2
