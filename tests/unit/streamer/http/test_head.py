"""HEAD is answered as GET would be, without the body."""

from headway_streamer.http.head import HEAD, HeadAsGet


async def exchange(method, headers=(), *, status=200):
    """What is sent for a request, and the scope that the wrapped application gets."""
    sent, scopes = [], []

    async def app(scope, receive, send):
        scopes.append(scope)
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b"body"})

    async def send(message):
        sent.append(message)

    await HeadAsGet(app)({"type": "http", "method": method, "path": "/"}, None, send)
    return sent, scopes[0]


async def test_a_head_is_a_get_without_body():
    (start, body), scope = await exchange("HEAD", [(b"content-length", b"4")])
    assert (scope["method"], scope[HEAD], body["body"]) == ("GET", True, b"")
    assert start["headers"] == [(b"content-length", b"4")]


async def test_a_get_is_passed_on():
    (_, body), scope = await exchange("GET")
    assert (scope["method"], HEAD in scope, body["body"]) == ("GET", False, b"body")


async def test_head_is_added_to_the_allowed_methods():
    for allow, shown in ((b"GET, POST", b"GET, POST, HEAD"), (b"POST", b"POST"), (b"GET, HEAD", b"GET, HEAD")):
        (start, _), _ = await exchange("POST", [(b"allow", allow)], status=405)
        assert start["headers"] == [(b"allow", shown)]
