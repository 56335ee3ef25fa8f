"""OPTIONS on each route."""

from litestar import get, post

from headway_streamer.http.options import options_of


def test_a_path_has_the_methods_of_all_its_handlers():
    @get("/a", sync_to_thread=False)
    def read() -> None: ...

    @post("/a", sync_to_thread=False)
    def write() -> None: ...

    (handler,) = options_of([write, read])
    assert handler.fn().headers["Allow"] == "GET, OPTIONS, POST"


async def test_options_lists_the_methods_of_a_route(client):
    for path, allowed in (
        ("/api/v1/tasks", "GET, OPTIONS, POST"),
        ("/api/v1/tasks/t1/cancel", "OPTIONS, POST"),
        ("/api/v1/process/k/stream", "GET, OPTIONS"),
        ("/", "GET, OPTIONS"),
    ):
        reply = await client.options(path)
        assert (reply.status_code, reply.headers["allow"], reply.content) == (204, allowed, b"")
