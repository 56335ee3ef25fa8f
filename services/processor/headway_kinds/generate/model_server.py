"""The pieces of an answer from an OpenAI-compatible server, by the `openai` client, which is imported when it is used.

The client's types are not used: servers differ in what they add to the protocol and leave out.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from headway import TaskError
from headway_kinds.generate.completion import Piece
from headway_kinds.generate.refusal import refusal
from headway_kinds.settings import Settings

PATH = "/chat/completions"
NO_KEY = "none"
"""Without a key the client would take one from variables that are not Headway's."""


async def pieces(settings: Settings, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
    """Send a request, and yield the pieces of the answer. The request ends when the iteration does.

    Raises TaskError when the server refuses it, cannot be reached, or is silent for too long.
    """
    openai: Any = await asyncio.to_thread(importlib.import_module, "openai")  # takes a second
    with_errors = _Errors(openai)
    async with _client(openai, settings) as client:
        try:
            async with asyncio.timeout(settings.generate_idle_seconds):
                stream = await client.post(PATH, body=body, cast_to=object, stream=True, stream_cls=_stream(openai))
            async with stream:
                while (found := await _next(stream, settings.generate_idle_seconds)) is not None:
                    yield msgspec.convert(found, Piece, strict=False)
        except TimeoutError:
            raise _silent(settings) from None
        except (ValueError, openai.OpenAIError) as error:  # JSON that is none, and forms that are not the protocol's
            raise with_errors.described(error) from None


async def _next(stream: Any, seconds: float) -> Any:
    async with asyncio.timeout(seconds):
        return await anext(stream, None)


@asynccontextmanager
async def _client(openai: Any, settings: Settings) -> AsyncIterator[Any]:
    client = openai.AsyncOpenAI(
        base_url=settings.generate_base_url,
        api_key=settings.generate_api_key or NO_KEY,
        max_retries=0,  # the task is retried, where everybody sees it
        timeout=None,  # each wait for a piece has a limit, which comments of the server do not extend
    )
    try:
        yield client
    finally:
        await client.close()


def _stream(openai: Any) -> Any:
    return openai.AsyncStream[object]


def _silent(settings: Settings) -> TaskError:
    seconds = f"{settings.generate_idle_seconds:g}"
    return TaskError(f"The model server sent nothing for {seconds} s.", type="ModelServerSilent")


class _Errors:
    """Errors of the client as errors of the task."""

    def __init__(self, openai: Any) -> None:
        self._openai = openai

    def described(self, error: Exception) -> TaskError:
        if isinstance(error, self._openai.APIStatusError):
            headers = {name.lower(): value for name, value in error.response.headers.items()}
            return refusal(error.status_code, _detail(error), headers, time.time())
        if isinstance(error, self._openai.APIConnectionError):
            cause = error.__cause__
            reason = f"{type(cause).__name__}: {cause}" if cause else str(error)
            return TaskError(f"The connection to the model server failed: {reason}", type="ModelServerUnreachable")
        if isinstance(error, self._openai.APIError):  # an event of the stream
            status = int(error.code) if str(error.code).isdigit() else 500
            return refusal(status, error.message, {}, time.time())
        return TaskError(f"The answer is not that of an OpenAI-compatible server: {error}", type="MalformedAnswer")


def _detail(error: Any) -> str:
    body = error.body
    if isinstance(body, dict):
        return str(body.get("message") or body)
    return str(body or "")
