"""The routes of dead letters: list, get, submit again, drop."""

from __future__ import annotations

import hashlib
from typing import Annotated

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter

from headway import codec
from headway.subjects import is_name
from headway_streamer import audit
from headway_streamer.access.principal import DEAD_READ, DEAD_WRITE, Principal
from headway_streamer.api.models import DroppedLetter, Resubmission
from headway_streamer.http.authentication import authorise
from headway_streamer.http.requests import AnyRequest, read_body, read_key, require_json
from headway_streamer.http.responses import json_response
from headway_streamer.http.submission import Submissions
from headway_streamer.http.tasks import accepted
from headway_streamer.problems import Problem
from headway_streamer.tasks.dead_letters import Letter, LetterBox


@get("/api/v1/dead-letters", tags=["dead letters"], summary="List the jobs that were given up")
async def list_dead_letters(
    request: AnyRequest,
    letter_box: NamedDependency[LetterBox],
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    kind: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> Response[bytes]:
    principal = authorise(request.scope, DEAD_READ)
    found = await letter_box.page(principal, kind=_kind(kind), limit=limit, after=_sequence(cursor))
    shown = [letter.shown() for letter in found.letters]
    return json_response({"dead_letters": shown, "cursor": None if found.after is None else str(found.after)})


@get("/api/v1/dead-letters/{id:str}", tags=["dead letters"], summary="Get a dead letter with its parameters")
async def get_dead_letter(
    request: AnyRequest, letter_box: NamedDependency[LetterBox], id: FromPath[str]
) -> Response[bytes]:
    letter = await _visible(letter_box, id, authorise(request.scope, DEAD_READ))
    return json_response(letter.shown(whole=True))


@post(
    "/api/v1/dead-letters/{id:str}/resubmit",
    tags=["dead letters"],
    status_code=202,
    summary="Submit the job of a dead letter as a new task",
    guards=[require_json],
)
async def resubmit_dead_letter(
    request: AnyRequest,
    letter_box: NamedDependency[LetterBox],
    submissions: NamedDependency[Submissions],
    id: FromPath[str],
    idempotency_key: Annotated[
        str,
        HeaderParameter(
            name="Idempotency-Key", description="The same key, the same task. Default: one for letter and parameters."
        ),
    ] = "",
) -> Response[bytes]:
    principal = authorise(request.scope, DEAD_WRITE)
    letter = await _visible(letter_box, id, principal)
    wanted = await read_body(request, Resubmission) if await request.body() else Resubmission()
    if letter.job is None or (letter.problem and wanted.params is None):
        raise Problem(409, "Dead letter cannot be resubmitted", f"{letter.problem[:300]}. It can be dropped.")
    params = codec.decode_json(bytes(letter.job.params)) if wanted.params is None else wanted.params
    submitted = await submissions.submit(
        principal,
        letter.job.kind,
        params,
        caller=submissions.callers.of(request.scope, principal),
        key=read_key(idempotency_key) or _key(letter, codec.encode_params(params)),
        retry_of=letter.task,
    )
    return accepted(request, submissions, submitted)


@delete("/api/v1/dead-letters/{id:str}", tags=["dead letters"], status_code=200, summary="Drop a dead letter")
async def drop_dead_letter(
    request: AnyRequest, letter_box: NamedDependency[LetterBox], id: FromPath[str]
) -> Response[bytes]:
    letter = await _visible(letter_box, id, authorise(request.scope, DEAD_WRITE))
    await letter_box.remove(letter)
    audit.note(request.scope, "dead_letter_dropped", id=id, task=letter.task, kind=letter.kind)
    return json_response(DroppedLetter(id))


async def _visible(letter_box: LetterBox, id: str, principal: Principal) -> Letter:
    letter = await letter_box.letter(principal, id)
    if letter is None:
        raise Problem(404, "Not Found", "There is no such dead letter.")
    return letter


def _key(letter: Letter, params: bytes) -> str:
    """The idempotency key of a dead letter: submitted twice with the same parameters, it runs once."""
    digest = hashlib.sha256(params).hexdigest()[:32]
    return f"dead-letter.{letter.seq}.{letter.at:.3f}.{digest}"


def _kind(kind: str) -> str:
    if kind and not is_name(kind):
        raise Problem(400, "Bad query", "`kind` is not the name of a kind.")
    return kind


def _sequence(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise Problem(422, "Bad cursor", "Pass the `cursor` of a list as it was answered, or none for the first page.")
    return int(cursor)
