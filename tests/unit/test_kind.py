"""Kinds and their registry."""

import msgspec
import pytest

from headway.errors import ParamsError, TaskDefinitionError
from headway.kind import REGISTRY, Registry, place_of
from headway.task import task


class Params(msgspec.Struct):
    url: str


def plain(job): ...


async def coroutine(job): ...


def defined(function, **options):
    registry = Registry()
    task("k", registry=registry, **options)(function)
    return registry.get("k")


def test_parameters_are_read_as_their_class():
    def fetch(job, params: Params): ...

    kind = defined(fetch)
    assert kind.read_params(b'{"url": "x"}') == Params("x")
    with pytest.raises(ParamsError):
        kind.read_params(b"{}")


def test_record_of_a_kind_has_what_the_catalogue_shows():
    def fetch(job, params: Params):
        """Fetch it."""

    record = defined(fetch, timeout=2.5, retries=1, concurrency=4).record()
    assert (record.kind, record.description) == ("k", "Fetch it.")
    assert (record.timeout_seconds, record.retries, record.concurrency) == (2.5, 1, 4)
    assert record.params["properties"] == {"url": {"type": "string"}}


def test_place_of_a_function_is_its_module_and_name():
    assert place_of(plain).endswith("test_kind.plain")
    assert "object at" in place_of(object())


def test_two_functions_cannot_share_a_name():
    registry = Registry()
    task("k", registry=registry)(plain)
    with pytest.raises(TaskDefinitionError, match=r"'k' is defined twice: .*plain and .*coroutine"):
        task("k", registry=registry)(coroutine)
    assert registry.get("k").handler is plain


def test_a_module_that_is_loaded_again_may_define_its_kinds_again():
    registry = Registry()

    def load():
        def again(job): ...

        return task("k", registry=registry)(again)

    load()
    newest = load()
    assert len(registry) == 1
    assert registry.get("k").handler is newest


def test_a_registry_lists_its_kinds():
    registry = Registry()
    task("a", registry=registry)(plain)
    task("b", registry=registry)(plain)
    assert [kind.name for kind in registry] == ["a", "b"]
    assert registry.get("c") is None


def test_without_a_registry_a_kind_goes_to_the_one_of_the_process(monkeypatch):
    monkeypatch.setattr(REGISTRY, "_kinds", {})
    task("only-here")(plain)
    assert [kind.name for kind in REGISTRY] == ["only-here"]
