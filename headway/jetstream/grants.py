"""What each role may ask of JetStream in one namespace: the only list of NATS permissions.

A role is a kind of process with a password of its own. Rules only: `headway.jetstream.accounts` makes accounts of them.
"""

from __future__ import annotations

from typing import NamedTuple

from headway.subjects import Names


class Request(NamedTuple):
    """A subject on which a role may send requests or messages to JetStream."""

    subject: str
    streamed: bool = False
    """Whether several messages may answer one request."""


class Role(NamedTuple):
    """What the processes of one role may do."""

    name: str
    inbox: str
    """Prefix of the subjects on which they receive answers."""
    requests: tuple[Request, ...]
    follows_tasks: bool = True
    """Whether they receive live events, and send beats."""
    shared: tuple[str, ...] = ()
    """Subjects on which processes of this role send each other messages. They do not leave its account."""


def roles(names: Names) -> tuple[Role, ...]:
    """All roles of a namespace.

    Streamers face the network: they cannot create or remove anything, and store nothing but events, jobs, new records,
    uploaded files, leases of tasks that are reported to them, and requests to remove a task. Processors create what is
    missing, take jobs, store what comes of them, submit children, and remove tasks and files: the server cannot limit
    the right to purge to single subjects. Reporters are workers that get their tasks from elsewhere: they store the
    records and events of these.
    """
    return (
        Role("streamer", "_INBOX_headway_streamer", _streamer(names), shared=(names.usage,)),
        Role("processor", "_INBOX_processor", _processor(names)),
        Role("reporter", "_INBOX_reporter", _reporter(names)),
    )


def operator(names: Names) -> Role:
    """The role of `headway nats-adapt`, which changes the configuration of the streams that exist.

    Whoever has its password can empty every stream of its namespace: no process keeps it, and nothing of another
    namespace is within its reach.
    """
    streams = created_streams(names)
    calls = (f"$JS.API.STREAM.{call}.{stream}" for call in ("INFO", "UPDATE") for stream in streams)
    return Role("operator", "_INBOX_operator", (Request("$JS.API.INFO"), *map(Request, calls)), follows_tasks=False)


def created_streams(names: Names) -> tuple[str, ...]:
    """All streams of a namespace, those of buckets and object stores included."""
    buckets = (
        names.tasks_bucket,
        names.kinds_bucket,
        names.secrets_bucket,
        names.token_keys_bucket,
        names.revocations_bucket,
        names.processors_bucket,
        names.reporters_bucket,
        names.unique_bucket,
        names.scheduled_bucket,
    )
    return (
        names.events_stream,
        names.jobs_stream,
        names.dead_stream,
        names.deletions_stream,
        *(f"KV_{bucket}" for bucket in buckets),
        f"OBJ_{names.results_bucket}",
        f"OBJ_{names.files_bucket}",
    )


def purged_streams(names: Names) -> tuple[str, ...]:
    """The streams that hold something of tasks, and files."""
    return (
        names.events_stream,
        names.jobs_stream,
        names.dead_stream,
        names.deletions_stream,
        f"KV_{names.tasks_bucket}",
        f"KV_{names.reporters_bucket}",
        f"KV_{names.scheduled_bucket}",
        f"OBJ_{names.results_bucket}",
        f"OBJ_{names.files_bucket}",
    )


def _log(names: Names) -> tuple[Request, ...]:
    """Append to logs, and read them."""
    return (
        # Also how full the store is. In an account that does not import it the server answers every request of the API
        # itself, beside the account that holds the streams: that JetStream is not enabled.
        Request("$JS.API.INFO"),
        Request(names.all_events),
        Request(f"$JS.API.STREAM.MSG.GET.{names.events_stream}"),
        _direct_get(names.events_stream),
    )


def _streamer(names: Names) -> tuple[Request, ...]:
    records = f"KV_{names.tasks_bucket}"
    return (
        *_log(names),
        Request(names.all_jobs),
        Request(names.all_deletions),
        Request(f"$KV.{names.tasks_bucket}.*"),
        Request(f"$KV.{names.reporters_bucket}.*"),
        Request(f"$KV.{names.unique_bucket}.*"),
        _direct_get(f"KV_{names.unique_bucket}"),
        *_written_once(names.scheduled_bucket),
        _direct_get(records),
        *_written_once(names.secrets_bucket),
        *_written_once(names.token_keys_bucket),
        *_written_once(names.revocations_bucket),
        _direct_get(f"KV_{names.kinds_bucket}"),
        _direct_get(f"KV_{names.processors_bucket}"),
        _direct_get(f"OBJ_{names.results_bucket}"),
        Request(f"$O.{names.files_bucket}.*.*"),
        *_read_files(names),
        # Dead letters are read, and dropped one at a time by their sequences.
        _direct_get(names.dead_stream),
        Request(f"$JS.API.STREAM.MSG.DELETE.{names.dead_stream}"),
        *(_info(stream) for stream in (names.events_stream, names.jobs_stream, records)),
    )


def _processor(names: Names) -> tuple[Request, ...]:
    jobs = names.jobs_stream
    return (
        *_log(names),
        Request(names.all_dead),
        Request(f"$KV.{names.kinds_bucket}.*"),
        Request(f"$JS.API.DIRECT.GET.KV_{names.kinds_bucket}.$KV.{names.kinds_bucket}.*"),
        _direct_get(f"KV_{names.kinds_bucket}"),
        Request(f"$KV.{names.processors_bucket}.*"),
        Request(f"$O.{names.results_bucket}.*.*"),
        _direct_get(f"OBJ_{names.results_bucket}"),
        *_read_files(names),
        Request(names.all_deletions),
        Request(names.all_ended),
        _direct_get(names.deletions_stream),
        # The tasks whose reporter has vanished.
        _direct_get(f"KV_{names.reporters_bucket}"),
        _direct_get(f"KV_{names.tasks_bucket}"),
        # Jobs of kinds that nobody offers.
        _direct_get(jobs),
        # Children, which handlers submit.
        Request(f"$KV.{names.tasks_bucket}.*"),
        Request(names.all_jobs),
        _direct_get(f"KV_{names.scheduled_bucket}"),
        *(Request(f"$JS.API.STREAM.PURGE.{stream}") for stream in purged_streams(names)),
        # What is missing when the first processor starts. The server refuses another configuration of what exists.
        *(_info(stream) for stream in created_streams(names)),
        *(Request(f"$JS.API.STREAM.CREATE.{stream}") for stream in created_streams(names)),
        # The filter is a part of the subject, so it is that of the jobs of one kind.
        Request(f"$JS.API.CONSUMER.CREATE.{jobs}.*.{names.all_jobs}"),
        Request(f"$JS.API.CONSUMER.INFO.{jobs}.*"),
        Request(f"$JS.API.CONSUMER.MSG.NEXT.{jobs}.*", streamed=True),
        Request(f"$JS.ACK.{jobs}.>"),
        Request(f"$JS.ACK.*.*.{jobs}.>"),  # with domain and account, which servers may add
    )


def _reporter(names: Names) -> tuple[Request, ...]:
    return (
        *_log(names),
        Request(f"$KV.{names.tasks_bucket}.*"),
        _direct_get(f"KV_{names.tasks_bucket}"),  # whose a task is that another process has opened
        Request(f"$KV.{names.reporters_bucket}.*"),
    )


def _written_once(bucket: str) -> tuple[Request, ...]:
    """Add keys to a bucket that takes each once, and read them."""
    return Request(f"$KV.{bucket}.*"), _direct_get(f"KV_{bucket}")


def _read_files(names: Names) -> tuple[Request, ...]:
    stream = f"OBJ_{names.files_bucket}"
    return Request(f"$JS.API.STREAM.MSG.GET.{stream}"), _direct_get(stream)


def _direct_get(stream: str) -> Request:
    return Request(f"$JS.API.DIRECT.GET.{stream}", streamed=True)


def _info(stream: str) -> Request:
    return Request(f"$JS.API.STREAM.INFO.{stream}")
