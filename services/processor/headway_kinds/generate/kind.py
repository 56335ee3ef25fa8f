"""The kind `generate`: text of a model, by any OpenAI-compatible server."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Annotated, Any, Literal

import msgspec

from headway import Job, TaskError, task
from headway.errors import SettingsError
from headway.service.extras import install
from headway_kinds.generate.completion import MAX_TEXT, REASONING, Completion, Text, ToolCall
from headway_kinds.generate.model_server import pieces
from headway_kinds.settings import PREFIX, Settings, read

MAX_PROMPT = 100_000
FLUSH_CHARS = 1024 * 1024
"""Output after which is waited until it is stored; unbounded output would end the task."""
ANY_MODEL = "*"
WARNINGS = {
    "length": "The answer ends where the limit of tokens was reached.",
    "content_filter": "The model server has left out content by its filter.",
}


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message of a conversation."""

    role: Annotated[Literal["user", "assistant", "system"], msgspec.Meta(title="Role")] = "user"
    content: Annotated[str, msgspec.Meta(title="Content", min_length=1, max_length=MAX_PROMPT)]


class GenerateParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of `generate`."""

    prompt: Annotated[
        str,
        msgspec.Meta(
            title="Prompt",
            description="What the model is to answer. Either this or messages.",
            max_length=MAX_PROMPT,
            examples=["Write a haiku about progress bars."],
        ),
    ] = ""
    messages: Annotated[
        list[Message],
        msgspec.Meta(title="Messages", description="A conversation that the model continues.", max_length=200),
    ] = []
    system: Annotated[
        str,
        msgspec.Meta(title="System prompt", description="How the model is to answer.", max_length=MAX_PROMPT),
    ] = ""
    model: Annotated[
        str,
        msgspec.Meta(title="Model", description="Name of the model. Empty: the processor's first.", max_length=200),
    ] = ""
    temperature: Annotated[
        Annotated[float, msgspec.Meta(ge=0, le=2)] | None,
        msgspec.Meta(title="Temperature", description="Randomness. Left out: the model's own."),
    ] = None
    max_tokens: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None,
        msgspec.Meta(title="Maximum tokens", description="Of the answer. Left out: the processor's limit."),
    ] = None
    seed: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None,
        msgspec.Meta(title="Seed", description="The same seed may give the same answer."),
    ] = None

    def __post_init__(self) -> None:
        if bool(self.prompt) == bool(self.messages):
            raise ValueError("give either prompt or messages")


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a model. All of its text is in the output of the task."""

    model: str
    warnings: list[str]
    """Reasons to doubt that the answer is whole; empty for none."""
    text: str
    """The answer, at most 100,000 characters of it."""
    chars: int
    """Characters of the answer."""
    finish_reason: str
    """Why the model ended: stop, length, tool_calls, content_filter, or a word of the server."""
    tool_calls: list[ToolCall]
    """Calls that the model asks for. They are not made."""
    usage: dict[str, int]
    """Tokens as the server counts them; empty if it does not."""
    seconds: float
    first_token_seconds: float
    """Time until the first piece of text."""


def register(environ: Mapping[str, str]) -> None:
    """Register the kind with the settings in `environ`. Raises SettingsError."""
    settings = read(environ)
    if not settings.generate_base_url:
        raise SettingsError(
            f"the kind generate needs {PREFIX}GENERATE_BASE_URL: the address of an OpenAI-compatible server, "
            "such as http://127.0.0.1:11434/v1"
        )
    if importlib.util.find_spec("openai") is None:
        raise SettingsError(f"the kind generate needs the package openai. Run: {install('generate')}")

    # What the client logs has URLs and bodies.
    @task("generate", retries=3, retry_delay=2.0, concurrency=settings.generate_concurrency, log_level="OFF")
    async def handler(job: Job, params: GenerateParams) -> Generated:
        """Generate text with a language model, shown as it is written."""
        return await generate(job, params, settings)


async def generate(job: Job, params: GenerateParams, settings: Settings) -> Generated:
    """Generate text and return what is known of it. Raises TaskError."""
    body = request(params, settings)
    job.step("Waiting for the model")
    job.update(message=body["model"])
    began = time.monotonic()
    shown, completion = _Shown(job), Completion()
    async with aclosing(pieces(settings, body)) as stream:
        async for piece in stream:
            for text in completion.add(piece):
                await shown.add(text)
    if not completion.finish_reason:
        raise TaskError("The model server ended the answer before it was whole.", type="AnswerCut")
    job.update(message=_summary(completion))
    ended = time.monotonic()
    return Generated(
        model=completion.model or body["model"],
        warnings=_warnings(completion),
        text=completion.text,
        chars=completion.chars,
        finish_reason=completion.finish_reason,
        tool_calls=completion.calls,
        usage=completion.usage,
        seconds=round(ended - began, 3),
        first_token_seconds=round((shown.first_at or ended) - began, 3),
    )


def request(params: GenerateParams, settings: Settings) -> dict[str, Any]:
    """The body of the request. Raises TaskError for a model that is not allowed, or a limit above the processor's."""
    limit = settings.generate_max_tokens
    if params.max_tokens is not None and params.max_tokens > limit:
        raise TaskError(f"max_tokens is at most {limit:,} here.", type="InvalidParams", retryable=False)
    messages = [{"role": "user", "content": params.prompt}] if params.prompt else msgspec.to_builtins(params.messages)
    if params.system:
        messages = [{"role": "system", "content": params.system}, *messages]
    optional = {"temperature": params.temperature, "seed": params.seed}
    return {
        "model": _model(params.model, settings.generate_models),
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        settings.generate_limit_name: params.max_tokens or limit,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _model(wanted: str, models: tuple[str, ...]) -> str:
    named = [model for model in models if model != ANY_MODEL]
    if not wanted and not named:
        message = f"Name a model, or the processor's first one in {PREFIX}GENERATE_MODELS."
        raise TaskError(message, type="InvalidParams", retryable=False)
    if not wanted or wanted in named or not models or ANY_MODEL in models:
        return wanted or named[0]
    raise TaskError(f"The model must be one of {', '.join(named)}.", type="InvalidParams", retryable=False)


class _Shown:
    """Text on its way to the people who watch."""

    def __init__(self, job: Job) -> None:
        self.first_at: float | None = None
        """Monotonic time of the first text."""
        self._job = job
        self._step = ""
        self._chars = 0

    async def add(self, text: Text) -> None:
        if self.first_at is None:
            self.first_at = time.monotonic()
        self._begin("Reasoning" if text.channel == REASONING else "Answering")
        self._job.chunk(text.text, channel=text.channel)
        self._job.advance()
        self._chars += len(text.text)
        if self._chars > FLUSH_CHARS:
            await self._job.flush()
            self._chars = 0

    def _begin(self, step: str) -> None:
        if step != self._step:
            self._step = step
            self._job.step(step, unit="tokens")


def _warnings(completion: Completion) -> list[str]:
    found = [WARNINGS[completion.finish_reason]] if completion.finish_reason in WARNINGS else []
    if completion.chars > MAX_TEXT:
        found.append(f"The text of the result has the first {MAX_TEXT:,} characters; the output has all of them.")
    return found


def _summary(completion: Completion) -> str:
    tokens = completion.usage.get("completion_tokens")
    return f"{tokens:,} tokens" if tokens is not None else f"{completion.chars:,} characters"
