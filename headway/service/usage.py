"""The command line of a service. It is configured by the environment, so there are only --help and --version."""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import sys
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from headway import __version__

WIDTH = 100


class SettingsGroup(NamedTuple):
    """Settings that are read from variables with the same prefix."""

    title: str
    prefix: str
    type: type[msgspec.Struct]


def parse(prog: str, about: str, groups: Sequence[SettingsGroup], words: Sequence[str]) -> None:
    """Return when the service is to be started; otherwise end the process.

    The exit code is 0 after --help and --version, and 2 for an unknown argument.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} [--help | --version]",
        description=textwrap.fill(about, WIDTH),
        epilog="\n\n".join(["Settings are environment variables:", *map(environment, groups)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{prog} {__version__}")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the texts have characters that an encoding may lack
    parser.parse_args(words)


def environment(group: SettingsGroup) -> str:
    """The variables of `group`, each with its default and its description."""
    explained = explanations(group.type)
    entries = [f"{group.title}:"]
    for field in msgspec.structs.fields(group.type):
        default = written(field.default)
        entries.append(f"  {group.prefix}{field.name.upper()}" + (f" (default {default})" if default else ""))
        text = explained.get(field.name, "")
        entries.append(textwrap.fill(text, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6))
    return "\n".join(entries)


def explanations(type: type[msgspec.Struct]) -> dict[str, str]:
    """The docstring of each field of `type`, by its name; empty when the source is not available."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(type)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for node, following in pairwise(body):
        match node, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                found[name] = " ".join(str(text).split())
    return found


def written(value: object) -> str:
    """A default as it is written in the environment; empty for an empty one.

    >>> written(True), written(15.0), written(("a", "b")), written("")
    ('true', '15', 'a,b', '')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
