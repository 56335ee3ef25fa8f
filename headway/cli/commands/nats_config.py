"""`headway nats-config`: print the accounts that a NATS server needs."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import Any

import click

from headway.jetstream.accounts import accounts, default_user, default_users
from headway.jetstream.nats_config import render
from headway.subjects import Names

HEAD = """\
# Accounts of Headway, by `headway nats-config`. In the configuration of nats-server:
#
#   accounts {
#     include headway-accounts.conf
#   }
#
# The server reads the passwords from its environment. Each begins with a letter: one of digits is read as a number.
"""


class Size(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A number of bytes, as nats-server reads it."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[1-9]\d*([KMGT]i?B?)?", str(value)):
            self.fail(f"{value!r} is not a size such as 10GB", param, ctx)
        return str(value)


@click.command(name="nats-config")
@click.option("--namespace", "namespaces", multiple=True, default=("hw",), show_default=True, help="May be repeated.")
@click.option(
    "--max-file", type=Size(), default="10GB", show_default=True, help="What each namespace may store, copies included."
)
@click.option(
    "--pairs", is_flag=True, help="Give each role a second user, so that passwords can be changed one by one."
)
@click.option("--admin", is_flag=True, help="Add a user who may do everything with the streams, for maintenance.")
@click.option("--operator", is_flag=True, help="Add an account for `headway nats-adapt`.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def nats_config(
    *, namespaces: tuple[str, ...], max_file: str, pairs: bool, admin: bool, operator: bool, output: Path | None
) -> None:
    """Print the accounts, users and permissions that a NATS server needs.

    Streamers, processors and reporters (workers that are not processors) log in as users of their own, for the
    namespace hw as hw_streamer, hw_processor and hw_reporter; with --pairs also as hw_streamer_2 and so on.
    """
    every = [Names(namespace) for namespace in dict.fromkeys(namespaces)]
    text = "".join(_namespace(names, max_file, pairs=pairs, admin=admin, operator=operator) for names in every)
    if output is None:
        click.echo(HEAD + text, nl=False)
    else:
        output.write_text(HEAD + text)


def _namespace(names: Names, max_file: str, *, pairs: bool, admin: bool, operator: bool) -> str:
    """The accounts of one namespace, after a list of its users."""
    administrator = default_user(names, "admin") if admin else None
    users = default_users(names, pairs=pairs)
    if operator:
        users["operator"] = (default_user(names, "operator"),)
    listed = [*chain.from_iterable(users.values()), *([administrator] if administrator else [])]
    lines = "".join(f"#   {user.name}: password {user.password.text}\n" for user in listed)
    return f"#\n# Users of the namespace {names.namespace}:\n{lines}" + render(
        accounts(names, users, max_file=max_file, admin=administrator)
    )
