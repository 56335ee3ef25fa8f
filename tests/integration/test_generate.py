"""The kind `generate` with the `openai` client: a real model behind llama.cpp's server, and a server of the same
protocol written for the tests, which fails in all ways.
"""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from headway import TaskError, codec
from headway.eventlog.chain import Chain, read_head
from headway.eventlog.jetstream_log import JetStreamLog
from headway.events import Aside, Cancel, Chunk, Progress, is_terminal
from headway.jetstream.connection import NatsSettings
from headway.kind import REGISTRY
from headway.records import JobMessage
from headway.testing import MemoryLog, start_job
from headway_kinds.generate import completion, kind
from headway_kinds.generate.kind import GenerateParams, generate, register
from headway_kinds.settings import Settings
from headway_processor.app import Processor
from headway_processor.settings import Settings as ProcessorSettings
from tests.fixtures.condition import until
from tests.fixtures.language_model import run_language_model, works
from tests.fixtures.model_server import MODEL, Answer, call, finish, reason, refused, run_model_server, say

KEY = "sk-test-0123456789"


@pytest.fixture(scope="module")
def shared_server():
    with run_model_server() as server:
        yield server


@pytest.fixture
def server(shared_server):
    yield shared_server
    for noted in (
        shared_server.answers,
        shared_server.requests,
        shared_server.keys,
        shared_server.asked_at,
        shared_server.closed_at,
    ):
        noted.clear()


def settings_of(server, **changed):
    given = {"generate_api_key": KEY, "generate_models": (MODEL,), "generate_idle_seconds": 20.0} | changed
    return Settings(generate_base_url=server.url, **given)


@asynccontextmanager
async def started():
    """A job that keeps what it reports."""
    log = MemoryLog()
    job = start_job(log, interval_seconds=0.01)
    yield job, log
    await job.abort()


async def ask(server, **changed):
    """What a generation results in, and its events."""
    async with started() as (job, log):
        found = await generate(job, GenerateParams(prompt="hi"), settings_of(server, **changed))
        await job.finish("completed")
    return found, log.events("t1")


async def refusal_of(server, **changed):
    async with started() as (job, log):
        with pytest.raises(TaskError) as found:
            await generate(job, GenerateParams(prompt="hi"), settings_of(server, **changed))
        await job.finish("error")
    return found.value, "".join(event.text for event in log.events("t1") if isinstance(event, Chunk))


async def test_tokens_are_output_and_the_rest_is_apart(server):
    pieces = [
        *reason("Let me ", "see."),
        *call(0, "rain", '{"at": ', '"Bonn"}'),
        *say("It ", "rains."),
        *finish("stop", 9),
    ]
    server.answers.append(Answer(pieces))
    found, events = await ask(server)
    assert "".join(event.text for event in events if isinstance(event, Chunk)) == "It rains."
    asides = {}
    for event in events:
        if isinstance(event, Aside):
            assert event.offset == len(asides.get(event.channel, ""))
            asides[event.channel] = asides.get(event.channel, "") + event.text
    assert asides == {"reasoning": "Let me see.", "tool rain": '{"at": "Bonn"}'}
    assert (found.text, found.chars, found.finish_reason, found.model) == ("It rains.", 9, "stop", MODEL)
    assert [(one.name, one.arguments) for one in found.tool_calls] == [("rain", '{"at": "Bonn"}')]
    assert found.usage == {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}
    steps = dict.fromkeys(event.step for event in events if isinstance(event, Progress))
    assert list(steps) == ["Waiting for the model", "Reasoning", "Answering"]
    assert (server.requests[0]["model"], server.keys) == (MODEL, [f"Bearer {KEY}"])


async def test_an_answer_that_is_not_whole_says_so(server):
    server.answers.append(Answer([*say("Once"), *finish("length")]))
    found, _ = await ask(server)
    assert (found.text, found.warnings) == ("Once", ["The answer ends where the limit of tokens was reached."])


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (401, False), (404, False), (500, True), (503, True)])
async def test_errors_that_stay_are_told_from_those_that_may_pass(server, status, retryable):
    server.answers.append(refused(status, "because"))
    error, _ = await refusal_of(server)
    assert error.retryable is retryable
    assert f"{status}: because" in error.message
    assert KEY not in error.message
    assert len(server.requests) == 1  # the client does not try by itself


async def test_an_error_of_another_form_is_quoted(server):
    """As a proxy in front of the server sends it."""
    server.answers.append(Answer(["<h1>Bad gateway</h1>"], 502))
    error, _ = await refusal_of(server)
    assert (error.type, error.retryable) == ("ModelServerError", True)
    assert "502: <h1>Bad gateway</h1>" in error.message


async def test_a_long_answer_waits_for_the_log_and_is_cut_in_the_result(server, monkeypatch):
    monkeypatch.setattr(kind, "FLUSH_CHARS", 10)
    monkeypatch.setattr(completion, "MAX_TEXT", 25)
    monkeypatch.setattr(kind, "MAX_TEXT", 25)
    server.answers.append(Answer([*say(*["0123456789"] * 9), *finish()]))
    found, events = await ask(server)
    assert (found.chars, len(found.text)) == (90, 25)
    assert "the first 25 characters" in found.warnings[0]
    assert len([event for event in events if isinstance(event, Chunk)]) > 1  # not all of it waited at once


async def test_the_pause_that_the_server_asks_for_is_that_of_the_retry(server):
    server.answers.append(refused(429, "slow down", retry_after="17"))
    error, _ = await refusal_of(server)
    assert (error.type, error.retryable, error.retry_in) == ("RateLimited", True, 17.0)


@pytest.mark.parametrize(
    ("answer", "type"),
    [
        (Answer(say("Once "), end="cut"), "ModelServerUnreachable"),
        (Answer(say("Once ")), "AnswerCut"),
        (Answer([*say("Once "), "{no json"]), "MalformedAnswer"),
        (Answer([*say("Once "), '{"choices": 7}']), "MalformedAnswer"),
        (Answer([*say("Once "), '{"error": {"message": "overloaded", "code": 503}}']), "ModelServerError"),
    ],
)
async def test_an_answer_that_breaks_is_a_failed_attempt_whose_text_stays(server, answer, type):
    server.answers.append(answer)
    error, text = await refusal_of(server)
    assert (error.type, error.retryable, text) == (type, True, "Once ")


async def test_a_server_that_falls_silent_is_left(server):
    server.answers.append(Answer(say("Once "), end="hang"))
    error, text = await refusal_of(server, generate_idle_seconds=0.3)
    assert (error.type, error.retryable, text) == ("ModelServerSilent", True, "Once ")
    await until(lambda: len(server.closed_at) == 1)


async def test_a_server_that_is_not_there_is_tried_again(server):
    async with started() as (job, _):
        settings = Settings(generate_base_url="http://127.0.0.1:1/v1", generate_models=("m",))
        with pytest.raises(TaskError) as found:
            await generate(job, GenerateParams(prompt="hi"), settings)
    assert (found.value.type, found.value.retryable) == ("ModelServerUnreachable", True)


@pytest.mark.parametrize("end", ["hang", "silent"])
async def test_cancelling_closes_the_request(server, end):
    """As the server sees it: in the middle of the answer, and before its head."""
    server.answers.append(Answer(say("Once "), end=end))
    async with started() as (job, log):
        running = asyncio.create_task(generate(job, GenerateParams(prompt="hi"), settings_of(server)))
        await until(lambda: len(server.requests) == 1)
        await until(lambda: end == "silent" or any(isinstance(event, Chunk) for event in log.events("t1")))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: len(server.closed_at) == 1)


@pytest.mark.needs("make model")
async def test_a_real_model_answers_and_stops_when_it_is_cancelled(tmp_path):
    with run_language_model(tmp_path) as url:
        settings = Settings(generate_base_url=url, generate_models=("smollm2",), generate_idle_seconds=60.0)
        async with started() as (job, log):
            params = GenerateParams(prompt="Say hello.", max_tokens=12, temperature=0, seed=1)
            found = await generate(job, params, settings)
            await job.finish("completed")
        assert found.text == "".join(event.text for event in log.events("t1") if isinstance(event, Chunk))
        assert found.text.strip()
        assert found.finish_reason in ("length", "stop")
        assert found.usage["completion_tokens"] in range(1, 13)
        async with started() as (job, log):
            params = GenerateParams(prompt="Count from one to one thousand.", max_tokens=900)
            running = asyncio.ensure_future(generate(job, params, settings))
            await until(lambda: any(isinstance(event, Chunk) for event in log.events("t1")), 60)
            assert works(url)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        await until(lambda: not works(url), 20)


class Shop:
    """A processor on a real NATS that offers the kind, and what a client does with its tasks."""

    def __init__(self, connection):
        self._js = connection.client.jetstream()
        self._names = connection.names
        self.log = JetStreamLog(connection.client, connection.names)

    async def submit(self, task):
        params = codec.raw(b'{"prompt":"hi"}')
        message = codec.encode_json(JobMessage(task=task, kind="generate", params=params))
        await self._js.publish(self._names.job("generate", task), message)

    async def last(self, task):
        found = await self.log.last(task)
        return None if found is None else codec.decode(found.payload)

    async def end(self, task):
        async def ended():
            last = await self.last(task)
            return last is not None and is_terminal(last)

        await until(ended)
        return await self.last(task)


@pytest.fixture
async def shop(server, nats_server, names, connection, monkeypatch):
    monkeypatch.setattr("headway_processor.worker.POLL_SECONDS", 0.1)
    monkeypatch.setattr(REGISTRY, "_kinds", {})
    given = {"BASE_URL": server.url, "MODELS": MODEL}
    register({f"HEADWAY_PROCESSOR_GENERATE_{name}": value for name, value in given.items()})
    settings = ProcessorSettings(ops_host="127.0.0.1", ops_port=0, grace_seconds=5.0)
    processor = Processor(settings, NatsSettings(url=nats_server.url, namespace=names.namespace), REGISTRY)
    running = asyncio.create_task(processor.run())
    await until(lambda: processor.ready or running.done())
    yield Shop(connection)
    processor.stop()
    assert await running is True


async def test_a_task_is_tried_again_when_the_server_asks_for_it(shop, server):
    """After its pause, not the kind's own, which is two seconds."""
    server.answers.extend([refused(429, retry_after="3"), Answer([*say("Hi"), *finish()])])
    await shop.submit("t1")
    last = await shop.end("t1")
    assert (last.status, last.attempt, last.failed, last.data["text"]) == ("completed", 2, 1, "Hi")
    assert server.asked_at[1] - server.asked_at[0] >= 2.9


async def test_what_cannot_succeed_is_tried_once(shop, server):
    server.answers.append(refused(401, "wrong key"))
    await shop.submit("t2")
    last = await shop.end("t2")
    assert (last.status, last.error.type, last.error.retryable) == ("error", "Refused", False)
    assert "401: wrong key" in last.error.message


async def test_a_cancelled_task_closes_its_request_within_a_second(shop, server):
    """From the request to cancel in the log until the server sees the connection closed: the best of three, as the
    machine may be busy with other tests.
    """
    seconds = []
    for task in ("c1", "c2", "c3"):
        server.answers.append(Answer(say("Once "), end="hang"))
        await shop.submit(task)

        async def answering(task=task):
            return getattr(await shop.last(task), "step", "") == "Answering"

        await until(answering)
        chain = Chain(shop.log, task, await read_head(shop.log, task))
        cancelled_at = time.monotonic()
        await chain.append(Cancel(reason="enough"))
        last = await shop.end(task)
        assert (last.status, last.message) == ("cancelled", "cancelled: enough")
        await until(lambda: len(server.closed_at) == len(seconds) + 1)
        seconds.append(server.closed_at[-1] - cancelled_at)
    assert min(seconds) < 1.0
