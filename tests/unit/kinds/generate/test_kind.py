"""The kind `generate`: when it is offered, and what it asks for."""

import msgspec
import pytest

from headway import TaskError
from headway.errors import SettingsError
from headway.kind import REGISTRY
from headway_kinds.generate import kind
from headway_kinds.generate.kind import GenerateParams, register, request
from headway_kinds.settings import Settings

URL = {"HEADWAY_PROCESSOR_GENERATE_BASE_URL": "http://127.0.0.1:1/v1"}


@pytest.fixture(autouse=True)
def no_kinds(monkeypatch):
    monkeypatch.setattr(REGISTRY, "_kinds", {})


def test_it_is_offered_only_with_a_server():
    with pytest.raises(SettingsError, match=r"needs HEADWAY_PROCESSOR_GENERATE_BASE_URL.*such as http"):
        register({})
    assert REGISTRY.get("generate") is None
    register(URL)
    assert REGISTRY.get("generate").record().description.startswith("Generate text")


def test_without_its_package_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setattr(kind.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"needs the package openai.*\[generate\]"):
        register(URL)


@pytest.mark.parametrize(
    "params",
    [
        *({}, {"prompt": ""}, {"messages": []}, {"prompt": "a", "messages": [{"content": "a"}]}, {"prompt": 1}),
        *(
            {"messages": [{"content": ""}]},
            {"messages": [{"content": "a", "role": "tool"}]},
            {"prompt": "a", "url": "b"},
        ),
        *({"prompt": "a", "max_tokens": 0}, {"prompt": "a", "temperature": 3}, {"prompt": "a" * 100_001}),
    ],
)
def test_parameters_that_do_not_fit_are_refused(params):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(params, GenerateParams)


def asked(params, **settings):
    return request(msgspec.convert(params, GenerateParams), Settings(generate_base_url="http://x", **settings))


def test_a_prompt_is_a_message_of_the_user():
    body = asked({"prompt": "hi", "system": "be brief"}, generate_models=("m", "*"))
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 4096,
    }


def test_what_is_asked_for_is_passed_on():
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    params = {"messages": messages, "model": "m", "temperature": 0, "seed": 0, "max_tokens": 5}
    body = asked(params, generate_limit_name="max_completion_tokens")
    assert body["messages"] == messages
    assert (body["model"], body["temperature"], body["seed"], body["max_completion_tokens"]) == ("m", 0, 0, 5)
    assert "max_tokens" not in body


@pytest.mark.parametrize(
    ("wanted", "models", "model"),
    [("", ("a", "b"), "a"), ("b", ("a", "b"), "b"), ("c", ("a", "*"), "c"), ("", ("*", "a"), "a"), ("c", (), "c")],
)
def test_the_model_is_one_that_the_processor_allows(wanted, models, model):
    assert asked({"prompt": "a", "model": wanted}, generate_models=models)["model"] == model


@pytest.mark.security
@pytest.mark.parametrize(
    ("params", "models", "said"),
    [
        ({"model": "c"}, ("a", "b"), "must be one of a, b"),
        ({}, (), "Name a model"),
        ({}, ("*",), "Name a model"),
        ({"max_tokens": 4097}, ("a",), "at most 4,096"),
    ],
)
def test_more_than_the_processor_allows_is_refused_finally(params, models, said):
    with pytest.raises(TaskError, match=said) as found:
        asked({"prompt": "a"} | params, generate_models=models)
    assert (found.value.type, found.value.retryable) == ("InvalidParams", False)
