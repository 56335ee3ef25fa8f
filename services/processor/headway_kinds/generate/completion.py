"""What a model has answered so far, from the pieces of its stream. No I/O."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from headway.events import MAX_CHANNEL_CHARS

MAX_TEXT = 100_000
"""Characters of the answer in the result; the output has all of it."""
MAX_ARGUMENTS = 20_000
"""Characters of the arguments of a call in the result."""
MAX_CALLS = 64
REASONING = "reasoning"
REFUSAL = "refusal"


class FunctionDelta(msgspec.Struct):
    """A piece of a call: its name, or some of its arguments."""

    name: str | None = None
    arguments: str | None = None


class CallDelta(msgspec.Struct):
    """A piece of the call with that index."""

    index: int | None = 0
    id: str | None = None
    function: FunctionDelta | None = None


class Delta(msgspec.Struct):
    """Text that is added. Servers name the reasoning of a model in one of two ways."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[CallDelta] | None = None


class Choice(msgspec.Struct):
    """One of the answers; only the first is asked for."""

    delta: Delta | None = None
    finish_reason: str | None = None


class Piece(msgspec.Struct):
    """One event of the stream."""

    model: str | None = None
    choices: list[Choice] | None = None
    usage: dict[str, Any] | None = None


class ToolCall(msgspec.Struct):
    """A call that the model asks for. It is not made."""

    id: str
    name: str
    arguments: str
    """As the model wrote them: usually JSON, of at most `MAX_ARGUMENTS`."""


class Text(NamedTuple):
    """Text to show, and its channel; that of the answer is empty."""

    text: str
    channel: str = ""


class Completion:
    """The answer of a model, as far as it has arrived."""

    def __init__(self) -> None:
        self.model = ""
        self.finish_reason = ""
        self.usage: dict[str, int] = {}
        self.chars = 0
        """Characters of the answer."""
        self.calls: list[ToolCall] = []
        self._kept: list[str] = []
        self._kept_chars = 0
        self._channels: list[str] = []

    @property
    def text(self) -> str:
        """The beginning of the answer, at most `MAX_TEXT`."""
        return "".join(self._kept)

    def add(self, piece: Piece) -> list[Text]:
        """Take a piece. Return the text to show."""
        self.model = piece.model or self.model
        self.usage = _counts(piece.usage) or self.usage
        if not piece.choices:
            return []
        choice = piece.choices[0]
        self.finish_reason = choice.finish_reason or self.finish_reason
        return self._texts(choice.delta) if choice.delta is not None else []

    def _texts(self, delta: Delta) -> list[Text]:
        found = [Text(delta.reasoning_content or delta.reasoning or "", REASONING), Text(delta.content or "")]
        found += [Text(delta.refusal or "", REFUSAL), *map(self._call, delta.tool_calls or [])]
        self._keep(delta.content or "")
        return [one for one in found if one.text]

    def _keep(self, text: str) -> None:
        self.chars += len(text)
        if kept := text[: MAX_TEXT - self._kept_chars]:
            self._kept.append(kept)
            self._kept_chars += len(kept)

    def _call(self, delta: CallDelta) -> Text:
        index, function = max(delta.index or 0, 0), delta.function or FunctionDelta()
        if index >= len(self.calls):
            if len(self.calls) >= MAX_CALLS:
                return Text("")
            index = len(self.calls)
            self.calls.append(ToolCall(delta.id or "", function.name or "", ""))
            self._channels.append(self._channel(function.name or ""))
        call, text = self.calls[index], function.arguments or ""
        call.arguments += text[: MAX_ARGUMENTS - len(call.arguments)]
        return Text(text, self._channels[index])

    def _channel(self, name: str) -> str:
        """`tool get_weather`, and for a further call `tool get_weather 2`."""
        plain = f"tool {name}".strip()[: MAX_CHANNEL_CHARS - 4]
        earlier = sum(call.name == name for call in self.calls[:-1])
        return f"{plain} {earlier + 1}" if earlier else plain


def _counts(usage: dict[str, Any] | None) -> dict[str, int]:
    """The counts in `usage`; servers add what else they like."""
    return {name: count for name, count in (usage or {}).items() if type(count) is int}
