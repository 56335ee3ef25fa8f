"""Each reason of the server has one error of Headway."""

import nats.errors
import nats.js.errors
import pytest

from headway.errors import AlreadyStoredError, StoreFullError, TooLargeError, UnavailableError
from headway.jetstream.errors import best_effort, found, from_answer, is_conflict, mapped, translate

ANSWERS = [
    (10002, "resource limits exceeded for account", StoreFullError),
    (10005, "no suitable peers for placement", StoreFullError),
    (10023, "insufficient resources", StoreFullError),
    (10028, "insufficient memory resources available", StoreFullError),
    (10047, "insufficient storage resources available", StoreFullError),
    (10077, "maximum bytes exceeded", StoreFullError),
    (10077, "maximum messages exceeded", StoreFullError),
    (10077, "maximum messages per subject exceeded", AlreadyStoredError),
    (10077, "stream store failed", UnavailableError),
    (10054, "message size exceeds maximum allowed", TooLargeError),
    (10008, "JetStream system temporarily unavailable", UnavailableError),
    (10059, "stream not found", UnavailableError),
    (None, None, UnavailableError),
]


@pytest.mark.parametrize(("code", "description", "expected"), ANSWERS)
def test_an_answer_of_the_server_has_one_error(code, description, expected):
    answer = {"code": 503, "err_code": code, "description": description}
    assert type(from_answer(answer, "x")) is expected
    assert type(translate(nats.js.errors.ServiceUnavailableError(**answer), "x")) is expected


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        nats.errors.TimeoutError(),
        nats.errors.NoRespondersError(),
        nats.js.errors.NoStreamResponseError(),
    ],
)
def test_an_answer_that_does_not_come_is_unavailable(error):
    with pytest.raises(UnavailableError) as caught, mapped("read"):
        raise error
    assert type(caught.value) is UnavailableError
    assert caught.value.__cause__ is error


def test_a_payload_over_the_limit_of_the_server_is_too_large():
    assert type(translate(nats.errors.MaxPayloadError(), "x")) is TooLargeError


def test_only_a_wrong_last_sequence_is_a_conflict():
    assert is_conflict(nats.js.errors.BadRequestError(code=400, err_code=10071))
    assert is_conflict(nats.js.errors.BadRequestError(code=400, err_code=10164))
    assert not is_conflict(nats.js.errors.BadRequestError(code=400, err_code=10054))
    assert not is_conflict(TimeoutError())


@pytest.mark.parametrize(
    "error",
    [
        nats.js.errors.NotFoundError(code=404, err_code=10059),
        nats.js.errors.BucketNotFoundError(),
        nats.js.errors.KeyNotFoundError(),
        nats.js.errors.ObjectNotFoundError(),
    ],
)
async def test_what_does_not_exist_is_none(error):
    async def ask():
        raise error

    assert await found(ask()) is None


async def test_what_exists_is_found():
    async def ask():
        return "info"

    assert await found(ask()) == "info"


async def test_another_error_is_no_proof_that_something_does_not_exist():
    async def ask():
        raise nats.errors.NoRespondersError

    with pytest.raises(nats.errors.NoRespondersError):
        await found(ask())


@pytest.mark.parametrize("error", [nats.errors.ConnectionClosedError(), TimeoutError()])
def test_message_that_may_get_lost_raises_nothing(error):
    with best_effort():
        raise error


def test_only_errors_of_the_connection_are_suppressed():
    with pytest.raises(ValueError), best_effort():
        raise ValueError("a bug")
