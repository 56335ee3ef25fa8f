"""Headway with access control: each watcher has a token, and each event names the owner of its task."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import nats
from joserfc import jwt
from joserfc.jwk import OctKey

from bench.harness.testbed import Testbed
from bench.peers.headway import Headway
from headway.jetstream.kv import Bucket
from headway.subjects import Names
from headway_streamer.access.principal import READ, Principal
from headway_streamer.access.signing_keys import SigningKeys
from headway_streamer.access.stream_token import StreamTokens

SECRET = "a secret of the measurements, and long enough"
OWNER = "bench"
LIFE_SECONDS = 12 * 3600


class SecuredHeadway(Headway):
    """The streamer in the mode `jwt`.

    Args:
        stream_tokens: whether each request has a stream token of its own in its query, as of an EventSource, instead of
            an access token in `Authorization`.
    """

    def __init__(self, label: str, *, stream_tokens: bool = False, **settings: object) -> None:
        own: dict[str, object] = {"access": "jwt", "jwt_secret": SECRET, "max_watchers_per_user": 1_000_000}
        super().__init__(label, **own | settings)
        self._principal = Principal(OWNER, "", frozenset((READ,)), time.time() + LIFE_SECONDS)
        self._token = _access_token(self._principal)
        self._wants_stream_tokens = stream_tokens
        self._minter: StreamTokens | None = None
        self._nats_port = 0

    def start(self, testbed: Testbed) -> None:
        self._nats_port = testbed.nats_port
        super().start(testbed)

    def wait(self) -> None:
        super().wait()
        if self._wants_stream_tokens:
            self._minter = StreamTokens(asyncio.run(_signing_keys(self._nats_port)))

    def path(self, task: str) -> str:
        path = super().path(task)
        return f"{path}&token={self._minter.mint(self._principal, [task])}" if self._minter else path

    def request(self, task: str, cursor: str = "") -> bytes:
        request = super().request(task, cursor)
        if self._minter:
            return request
        return request.removesuffix(b"\r\n") + f"Authorization: Bearer {self._token}\r\n\r\n".encode()

    def feed(self, testbed: Testbed) -> dict[str, Any]:
        return super().feed(testbed) | {"owner": OWNER}


def _access_token(principal: Principal) -> str:
    claims = {"sub": principal.owner, "aud": "headway", "scope": READ, "exp": int(principal.expires)}
    claims |= {"iat": int(time.time()), "jti": "bench"}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


async def _signing_keys(port: int) -> SigningKeys:
    """The keys that the streamers share, as they are stored."""
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    try:
        keys = SigningKeys(Bucket(client, Names().token_keys_bucket))
        await keys.refresh()
    finally:
        await client.close()
    return keys
