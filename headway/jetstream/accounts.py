"""The NATS accounts of one namespace: JetStream in an account without users, and an account for each role.

Permissions of users alone do not hold: a publish that is allowed may carry any reply subject, and the server publishes
its answer there with its own rights. It does so in the account of the publisher. So no role has a user in the account
that holds JetStream; each imports the subjects that it needs, and its replies end in its own account.
https://docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts
"""

from __future__ import annotations

from typing import Any, NamedTuple

from headway.jetstream.grants import Role, operator, roles
from headway.subjects import Names

PROCESSOR, STREAMER = "processor", "streamer"


class Literal(NamedTuple):
    """A value that the configuration holds without quotes: a size, or a ``$VARIABLE`` of the server's environment."""

    text: str


class User(NamedTuple):
    """How processes of a role log in."""

    name: str | Literal
    password: Literal


def default_user(names: Names, role: str, number: int = 1) -> User:
    """A user of a role on a server that other namespaces may share: ``hw_streamer``, the second ``hw_streamer_2``."""
    name = f"{names.namespace}_{role}" + (f"_{number}" if number > 1 else "")
    return User(name, Literal(f"${name}_password".upper()))


def default_users(names: Names, *, pairs: bool = False) -> dict[str, tuple[User, ...]]:
    """The users of each role: one, or two of which one can get another password while the other one is in use."""
    numbers = (1, 2) if pairs else (1,)
    return {role.name: tuple(default_user(names, role.name, number) for number in numbers) for role in roles(names)}


def role_account(names: Names, role: str) -> str:
    """Name of the account of a role."""
    return f"{names.namespace}_{role}".upper()


def accounts(
    names: Names, users: dict[str, tuple[User, ...]] | None = None, *, max_file: str, admin: User | None = None
) -> dict[str, Any]:
    """The accounts of a namespace by name, as the server's configuration holds them.

    Args:
        users: the users of each role, which may do the same (default `default_users`). With users for "operator"
            there is an account for `headway nats-adapt`.
        max_file: how much the streams may store, all copies together, such as ``10GB``. Services learn it, and no
            namespace fills the server for the others.
        admin: a user who may do everything in the account that holds the streams.
    """
    users = users or default_users(names)
    every = (*roles(names), operator(names)) if "operator" in users else roles(names)
    found: dict[str, Any] = {names.jetstream_account: _jetstream(names, every, max_file, admin)}
    for role in every:
        found[role_account(names, role.name)] = {
            "users": [_user(user) for user in users[role.name]],
            "default_permissions": permissions(names, role),
            **_beat_exports(names, role),
            "imports": _imports(names, role),
        }
    return found


def permissions(names: Names, role: Role) -> dict[str, Any]:
    """What users of a role may publish and subscribe to inside its account: a second line of defence."""
    requests = [request.subject for request in role.requests]
    if not role.follows_tasks:
        return {"publish": {"allow": requests}, "subscribe": {"allow": [f"{role.inbox}.>"]}}
    live = [names.all_live, names.all_beats] if role.name != "reporter" else [names.all_live]
    return {
        "publish": {"allow": [*requests, names.all_beats, *role.shared]},
        "subscribe": {"allow": [f"{role.inbox}.>", *live, *role.shared]},
    }


def _jetstream(names: Names, every: tuple[Role, ...], max_file: str, admin: User | None) -> dict[str, Any]:
    limits = {"max_mem": 0, "max_file": Literal(max_file)}
    users = {"users": [_user(admin)]} if admin else {}
    return {"jetstream": limits, **users, "exports": _exports(names, every)}


def _exports(names: Names, every: tuple[Role, ...]) -> list[dict[str, Any]]:
    who: dict[str, list[str]] = {}
    streamed = set()
    for role in every:
        for request in role.requests:
            who.setdefault(request.subject, []).append(role_account(names, role.name))
            if request.streamed:
                streamed.add(request.subject)
    services = [
        {"service": subject} | ({"response_type": "Stream"} if subject in streamed else {}) | {"accounts": allowed}
        for subject, allowed in who.items()
    ]
    everybody = [role_account(names, role.name) for role in every if role.follows_tasks]
    return [*services, {"stream": names.all_live, "accounts": everybody}]


def _imports(names: Names, role: Role) -> list[dict[str, Any]]:
    services = [_import("service", names.jetstream_account, request.subject) for request in role.requests]
    if not role.follows_tasks:
        return services
    return [*services, _import("stream", names.jetstream_account, names.all_live), *_beat_imports(names, role.name)]


def _beat_exports(names: Names, role: Role) -> dict[str, Any]:
    """Task beats go from workers to streamers, presence beats from streamers to processors.

    Two accounts that import a subject from one another form a cycle, which the server refuses. So streamers import both
    from the processors: what these publish, as a stream, and the right to publish to them, as a service.
    """
    if role.name == STREAMER or not role.follows_tasks:
        return {}
    streamer = [role_account(names, STREAMER)]
    kinds = ("stream", "service") if role.name == PROCESSOR else ("stream",)
    return {"exports": [{kind: names.all_beats, "accounts": streamer} for kind in kinds]}


def _beat_imports(names: Names, role: str) -> list[dict[str, Any]]:
    if role != STREAMER:
        return []
    processor, reporter = role_account(names, PROCESSOR), role_account(names, "reporter")
    return [
        _import("stream", processor, names.all_beats),
        _import("stream", reporter, names.all_beats),
        _import("service", processor, names.all_beats),
    ]


def _import(kind: str, account: str, subject: str) -> dict[str, Any]:
    return {kind: {"account": account, "subject": subject}}


def _user(user: User) -> dict[str, Any]:
    return {"user": user.name, "password": user.password}
