"""`@task`: what makes a kind, and what cannot be one."""

import functools

import msgspec
import pytest

from headway import task
from headway.errors import TaskDefinitionError
from headway.kind import REGISTRY, NoParams, Registry
from headway.records import KindRecord


class Depth(msgspec.Struct):
    most: int = 3


class Params(msgspec.Struct):
    url: str
    depth: Depth = msgspec.field(default_factory=Depth)


class Tree(msgspec.Struct):
    children: list["Tree"] = []


class Unknowable(msgspec.Struct):
    thing: complex | functools.partial


class Plain:
    url: str


async def fetch(job, params: Params) -> str:
    """Fetch it.

    All of it.
    """
    return params.url


def define(function, kind="k", **options):
    registry = Registry()
    assert task(kind, registry=registry, **options)(function) is function
    return registry.get(kind)


def test_a_function_becomes_a_kind_and_stays_a_function():
    kind = define(fetch, "crawl", timeout=2.5, retries=1, concurrency=4)
    assert kind.name == "crawl"
    assert kind.handler is fetch
    assert kind.params is Params
    assert kind.takes_params
    assert (kind.timeout_seconds, kind.retries, kind.concurrency) == (2.5, 1, 4)
    assert kind.description == "Fetch it.\n\nAll of it."


def test_without_options_there_is_no_limit_of_time_and_no_retry():
    kind = define(fetch)
    assert (kind.timeout_seconds, kind.retries, kind.concurrency) == (None, 0, 10)


def test_a_handler_may_take_no_parameters():
    async def tick(job): ...

    kind = define(tick)
    assert not kind.takes_params
    assert kind.params is NoParams
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"x":1}', type=kind.params)
    assert kind.description == ""


def test_an_async_function_runs_on_the_loop_and_a_plain_one_in_a_thread():
    def plain(job): ...

    assert define(fetch).executor == "async"
    assert define(plain).executor == "thread"


def test_the_catalogue_holds_the_schema_with_its_parts():
    record = define(fetch, "crawl", timeout=9).record()
    assert record == KindRecord(
        kind="crawl",
        description="Fetch it.\n\nAll of it.",
        timeout_seconds=9,
        concurrency=10,
        params={
            "title": "Params",
            "type": "object",
            "properties": {"url": {"type": "string"}, "depth": {"$ref": "#/$defs/Depth"}},
            "required": ["url"],
            "$defs": {
                "Depth": {
                    "title": "Depth",
                    "type": "object",
                    "properties": {"most": {"type": "integer", "default": 3}},
                    "required": [],
                }
            },
        },
    )


def test_the_catalogue_of_a_kind_without_parameters_allows_none():
    def tick(job): ...

    assert define(tick).record().params["additionalProperties"] is False


def no_argument(): ...


def three_arguments(job, params: Params, more): ...


def bare(job, params): ...


def yields(job):
    yield 1


async def yields_async(job):
    yield 1


class Listed(msgspec.Struct, array_like=True):
    url: str


def listed(job, params: Listed): ...


def plain_class(job, params: Plain): ...


def optional(job, params: Params | None): ...


def missing(job, params: "NotDefinedAnywhere"): ...  # noqa: F821 - that is the point


def no_schema(job, params: Unknowable): ...


async def coroutine(job): ...


def plain(job): ...


@pytest.mark.parametrize(
    ("function", "options", "says"),
    [
        (no_argument, {}, "a handler takes"),
        (yields, {}, "a handler does not yield"),
        (yields_async, {}, "a handler does not yield"),
        (listed, {}, "Listed does not have a JSON object as its form"),
        (Plain, {}, "put @task on a function"),
        (staticmethod(no_argument), {}, "put @task on a function"),
        (7, {}, "put @task on a function"),
        (three_arguments, {}, "a handler takes"),
        (bare, {}, "annotate 'params' with a msgspec.Struct, a dataclass"),
        (plain_class, {}, "annotate 'params' with a msgspec.Struct, a dataclass"),
        (optional, {}, "annotate 'params' with a msgspec.Struct, a dataclass"),
        (missing, {}, "at the top of a module"),
        (no_schema, {}, "Unknowable has no JSON Schema"),
        (plain, {"kind": "a.b"}, "kind 'a.b' must be"),
        (plain, {"kind": ""}, "kind '' must be"),
        (plain, {"timeout": 0}, "timeout is seconds above 0"),
        (plain, {"timeout": -1}, "timeout is seconds above 0"),
        (plain, {"title": "Crawl {url!r}"}, "and {{ or }} for a brace"),
        (plain, {"title": "x" * 201}, "a title has at most 200"),
        (plain, {"tags": ["a,b"]}, "printable characters without a comma"),
        (plain, {"retention": 0}, "retention is seconds above 0"),
        (plain, {"retention": float("nan")}, "retention is seconds above 0"),
        (plain, {"retries": -1}, "retries must be at least 0"),
        (plain, {"timeout": float("nan")}, "timeout is seconds above 0"),
        (plain, {"retry_delay": -1}, "retry_delay and max_retry_delay are seconds"),
        (plain, {"max_retry_delay": float("nan")}, "retry_delay and max_retry_delay are seconds"),
        (plain, {"retry_backoff": 0.5}, "retry_backoff must be at least 1"),
        (plain, {"retry_jitter": 1.5}, "retry_jitter 0 to 1"),
        (plain, {"encoder": "json"}, "encoder is a function"),
        (plain, {"log_level": "LOUD"}, "log_level is one of DEBUG, INFO"),
        (plain, {"concurrency": 0}, "concurrency at least 1"),
        (plain, {"executor": "fiber"}, "executor is 'async', 'thread' or 'process', not 'fiber'"),
        (plain, {"memory": 2**30}, "goes with executor='process'"),
        (plain, {"executor": "process", "memory": 1}, "memory is at least 16,777,216 bytes"),
        (plain, {"executor": "async"}, "only `async def` runs as 'async'"),
        (coroutine, {"executor": "thread"}, "only `async def` runs as 'async'"),
    ],
)
def test_what_cannot_be_a_handler_is_refused_when_it_is_defined(function, options, says):
    with pytest.raises(TaskDefinitionError, match=says):
        define(function, **options)


def test_the_error_names_the_function():
    with pytest.raises(TaskDefinitionError, match=r"test_task\.no_argument: "):
        define(no_argument)


def test_bare_decorator_registers_the_function_under_its_name(monkeypatch):
    monkeypatch.setattr(REGISTRY, "_kinds", {})

    @task
    async def resize_pictures(job, params: Params) -> str:
        """Makes pictures smaller."""
        return params.url

    kind = REGISTRY.get("resize_pictures")
    assert kind.handler is resize_pictures
    assert (kind.description, kind.params) == ("Makes pictures smaller.", Params)


def test_decorator_without_a_name_takes_that_of_the_function():
    registry = Registry()
    assert task(registry=registry, retries=2)(plain) is plain
    assert registry.get("plain").retries == 2


def test_function_whose_name_cannot_be_a_kind_needs_one():
    with pytest.raises(TaskDefinitionError, match=r"write @task\(\"name\"\)"):
        task(lambda job: None)

    def größe(job): ...

    with pytest.raises(TaskDefinitionError, match=r"write @task\(\"name\"\)"):
        task(größe)
    with pytest.raises(TaskDefinitionError, match=r"write @task\(\"name\"\)"):
        task(functools.partial(plain))


def test_a_struct_may_refer_to_itself():
    def walk(job, params: Tree): ...

    schema = define(walk).record().params
    _, defs, name = schema["properties"]["children"]["items"]["$ref"].split("/")
    assert schema[defs][name]["title"] == "Tree"
    assert "$defs" not in schema[defs][name]


def test_a_kind_has_a_title_and_tags():
    found = define(fetch, title="Fetch {url}", tags=["web", "eu"])
    assert (found.record().title, found.record().tags) == ("Fetch {url}", ["web", "eu"])
    assert define(fetch, tags="web").tags == ("web",)
