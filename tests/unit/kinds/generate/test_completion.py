"""An answer is put together from the pieces of any server of the protocol."""

import json

import msgspec
import pytest

from headway_kinds.generate import completion
from headway_kinds.generate.completion import MAX_CALLS, Completion, Piece
from tests.fixtures.model_server import MODEL, call, delta, finish, reason, say


def answered(*events):
    found = Completion()
    shown = [text for event in events for text in found.add(msgspec.convert(json.loads(event), Piece, strict=False))]
    return found, [(text.channel, text.text) for text in shown]


def test_text_is_joined_and_the_end_is_known():
    found, shown = answered(*say("Hel", "lo"), *finish("length", 7))
    assert shown == [("", "Hel"), ("", "lo")]
    assert (found.text, found.chars, found.finish_reason, found.model) == ("Hello", 5, "length", MODEL)
    assert found.usage == {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_kept_apart_under_both_of_its_names(name):
    found, shown = answered(*reason("hm", name=name), *say("yes"), *finish())
    assert shown == [("reasoning", "hm"), ("", "yes")]
    assert found.text == "yes"


def test_a_refusal_is_no_answer():
    found, shown = answered(delta(refusal="no"))
    assert (shown, found.text) == ([("refusal", "no")], "")


def test_calls_are_put_together_by_their_index():
    found, shown = answered(*call(0, "rain", '{"a":', "1}"), *call(1, "rain", "{}"), *call(2, "", "x"), *finish())
    assert shown == [("tool rain", '{"a":'), ("tool rain", "1}"), ("tool rain 2", "{}"), ("tool", "x")]
    assert [(one.id, one.name, one.arguments) for one in found.calls] == [
        *(("call_0", "rain", '{"a":1}'), ("call_1", "rain", "{}"), ("call_2", "", "x")),
    ]


def test_calls_without_an_end_are_bounded():
    found, _ = answered(*(event for index in range(MAX_CALLS + 9) for event in call(index, "x" * 99, "{}")))
    assert len(found.calls) == MAX_CALLS


def test_of_a_long_answer_the_result_has_the_beginning(monkeypatch):
    monkeypatch.setattr(completion, "MAX_TEXT", 5)
    found, shown = answered(*say("abc", "def", "ghi"))
    assert (found.text, found.chars, len(shown)) == ("abcde", 9, 3)


@pytest.mark.parametrize(
    "event", ['{"choices": null}', '{"choices": [{}]}', '{"usage": {"total_tokens": "many"}}', "{}"]
)
def test_what_a_server_leaves_out_is_nothing(event):
    found, shown = answered(event)
    assert (shown, found.finish_reason, found.usage) == ([], "", {})
