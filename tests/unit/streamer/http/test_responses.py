"""JSON responses."""

from headway_streamer.http.responses import json_response


def test_a_response_is_json_that_no_cache_keeps_unless_its_headers_say_otherwise():
    made = json_response({"a": 1}, 202)
    assert (made.content, made.status_code, made.headers["Cache-Control"]) == (b'{"a":1}', 202, "no-store")
    assert json_response(1, headers={"Cache-Control": "no-cache"}).headers["Cache-Control"] == "no-cache"
