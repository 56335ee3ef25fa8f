"""The public Litestar application."""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from headway_streamer.access.access import Access
from headway_streamer.access.hosts import AllowedHosts
from headway_streamer.access.origins import Origins
from headway_streamer.files.files import UserFiles
from headway_streamer.http import (
    console,
    dead_letters,
    documents,
    errors,
    files,
    kinds,
    process,
    processors,
    report_routes,
    revocations,
    session,
    sign_in,
    streams,
    tasks,
    tokens,
)
from headway_streamer.http.authentication import Authentication
from headway_streamer.http.gate import Gate
from headway_streamer.http.options import options_of
from headway_streamer.http.process import StartAndStream
from headway_streamer.http.streams import TaskStreams
from headway_streamer.http.submission import Submissions
from headway_streamer.reports.reports import Reports
from headway_streamer.settings import Settings
from headway_streamer.tail.history import History
from headway_streamer.tasks.dead_letters import LetterBox
from headway_streamer.tasks.kinds import KindCatalogue
from headway_streamer.tasks.listing import Listing
from headway_streamer.tasks.ports import Results
from headway_streamer.tasks.store import TaskStore

ROUTES = [
    kinds.list_kinds,
    processors.list_processors,
    tasks.submit_task,
    tasks.list_tasks,
    tasks.get_task,
    streams.stream_task,
    streams.stream_tasks,
    streams.stream_celery,
    process.process_stream,
    process.process_kind_stream,
    tasks.cancel_task,
    tasks.retry_task,
    tasks.delete_task,
    tasks.get_result,
    dead_letters.list_dead_letters,
    dead_letters.get_dead_letter,
    dead_letters.resubmit_dead_letter,
    dead_letters.drop_dead_letter,
    files.upload_file,
    files.list_files,
    files.get_file,
    files.get_content,
    files.delete_file,
    report_routes.open_report,
    report_routes.append_events,
    report_routes.end_report,
    documents.openapi_json,
    documents.openapi_yaml,
    documents.asyncapi_json,
    tokens.mint_stream_token,
    tokens.mint_start_token,
    revocations.revoke,
    session.get_session,
    session.sign_in,
    session.sign_out,
    sign_in.begin,
    sign_in.finish,
]


def create_app(
    settings: Settings,
    *,
    task_store: TaskStore,
    kinds: KindCatalogue,
    listing: Listing,
    history: History,
    results: Results,
    letter_box: LetterBox,
    submissions: Submissions,
    reports: Reports,
    user_files: UserFiles,
    access: Access,
    task_streams: TaskStreams,
    start_and_stream: StartAndStream,
) -> Gate:
    """Return the application. Route handlers receive what they name among the arguments."""
    routes = [*ROUTES, *([console.index, console.page_file] if settings.page else [])]
    app = Litestar(
        state=State({streams.STATE: task_streams}),
        route_handlers=[*options_of(routes), *routes],
        dependencies={
            "task_store": _provide(task_store),
            "kinds": _provide(kinds),
            "listing": _provide(listing),
            "history": _provide(history),
            "results": _provide(results),
            "letter_box": _provide(letter_box),
            "submissions": _provide(submissions),
            "reports": _provide(reports),
            "user_files": _provide(user_files),
            "task_streams": _provide(task_streams),
            "access": _provide(access),
            "start_and_stream": _provide(start_and_stream),
            "documents": _provide(documents.Documents(page=settings.page)),
        },
        exception_handlers=errors.HANDLERS,
        openapi_config=None,
        request_max_body_size=settings.max_body_bytes,
        logging_config=None,
    )
    protected = Authentication(app, access)
    return Gate(protected, AllowedHosts(settings.allowed_hosts, bound=settings.host), Origins(settings.cors_origins))


def _provide(value: Any) -> Provide:
    return Provide(lambda: value, use_cache=True, sync_to_thread=False)
