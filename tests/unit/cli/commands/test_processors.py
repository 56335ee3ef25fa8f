"""`headway processors` against a scripted server."""

import json
import time

from tests.fixtures.scripted_server import ScriptedServer, headway

ONE = {"id": "p1", "name": "pod-1", "kinds": ["bulk", "crawl"], "version": "0.1.0", "slots": 100, "running": 3}


def test_processors_are_listed_with_their_load(server: ScriptedServer) -> None:
    server.json("GET /api/v1/processors", {"processors": [ONE | {"since": time.time() - 90}]})
    line = headway("processors").output.splitlines()[-1]
    for part in ("pod-1", "3 of 100", "0.1.0", "1 min 30 s", "bulk, crawl"):
        assert part in line
    assert json.loads(headway("processors", "--json").stdout)["running"] == 3


def test_without_any_the_output_says_how_to_start_one(server: ScriptedServer) -> None:
    server.json("GET /api/v1/processors", {"processors": []})
    assert headway("processors").output == "No processors. `headway dev` starts one.\n"


def test_who_may_not_see_them_reads_why(server: ScriptedServer) -> None:
    server.json("GET /api/v1/processors", {"detail": "This needs the scope processors:read."}, 403)
    result = headway("processors")
    assert (result.exit_code, "processors:read" in result.stderr) == (1, True)
