"""Command lines of pages and notes: split as a shell does, and read as helm and kubectl read them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

SWITCHES = {
    "helm install": {"--create-namespace", "--wait"},
    "helm upgrade": {"--reset-then-reuse-values", "--reuse-values", "--force-conflicts", "--install", "--wait"},
    "helm template": set(),
    "helm test": {"--logs"},
    "helm uninstall": set(),
    "helm repo add": set(),
    "kubectl create secret generic": set(),
    "kubectl delete": {"--ignore-not-found"},
    "kubectl drain": {"--ignore-daemonsets", "--delete-emptydir-data"},
    "kubectl get": set(),
    "kubectl label namespace": set(),
    "kubectl logs": {"--follow"},
    "kubectl patch": set(),
    "kubectl port-forward": set(),
    "kubectl rollout restart": set(),
    "kubectl rollout status": set(),
    "kubectl run": set(),
    "kubectl scale": set(),
    "kubectl wait": set(),
}
"""Commands that the pages use, and their flags without a value."""
VALUES = {
    "helm install": {"--set", "--values", "--version", "--timeout", "--dry-run"},
    "helm upgrade": {"--set", "--values", "--version", "--timeout", "--dry-run"},
    "helm template": {"--set", "--values", "--version", "--kube-version"},
    "helm test": {"--timeout"},
    "kubectl create secret generic": {"--from-literal", "--from-file"},
    "kubectl delete": {"--cascade", "--selector"},
    "kubectl get": {"--raw", "--output"},
    "kubectl patch": {"--patch", "--type"},
    "kubectl run": {"--image", "--restart", "--overrides"},
    "kubectl rollout status": {"--timeout"},
    "kubectl scale": {"--replicas"},
    "kubectl wait": {"--for", "--timeout"},
}
"""Their flags with a value, besides --namespace."""


class Command(NamedTuple):
    """A command line of helm or kubectl."""

    name: str
    """Program and subcommand, such as `helm install`."""
    words: tuple[str, ...]
    """What is no flag."""
    flags: tuple[tuple[str, str], ...]
    text: str

    def values(self, flag: str) -> list[str]:
        """What was given with a flag, each time."""
        return [value for name, value in self.flags if name == flag]

    @property
    def namespace(self) -> str:
        return "".join(self.values("--namespace"))


def lines(text: str) -> Iterator[str]:
    """The commands of a block: a line each, or several if they end with a backslash or within quotes."""
    whole = ""
    for line in text.splitlines():
        whole += line.removesuffix("\\") if line.endswith("\\") else f"{line}\n"
        if line.endswith("\\"):
            continue
        try:
            shlex.split(whole, comments=True)
        except ValueError:  # a quotation goes on
            continue
        yield from (part.strip() for part in re.split(r" && |;\n", whole) if part.strip())
        whole = ""


def read(text: str) -> Command | None:
    """A command of helm or kubectl; None for another program. Raises ValueError for what these would refuse."""
    words = shlex.split(text, comments=True)
    if not words or words[0] not in ("helm", "kubectl"):
        return None
    flags, rest, program = [], [], words.pop(0)
    name, switches, valued = known(program, words)
    pending = iter(words)
    for word in pending:
        flag, given, value = word.partition("=")
        if not word.startswith("--"):
            rest.append(word)
        elif flag in switches and not given:
            flags.append((flag, ""))
        elif flag in valued | {"--namespace"}:
            flags.append((flag, value if given else next(pending)))
        else:
            raise ValueError(f"{name}: {word}")
    subcommand = name.split()[1:]
    if rest[: len(subcommand)] != subcommand:
        raise ValueError(f"{name}: {rest}")
    return Command(name, tuple(rest[len(subcommand) :]), tuple(flags), text)


def known(program: str, words: list[str]) -> tuple[str, set[str], set[str]]:
    """Name and flags of a command, whose subcommand may stand behind `--namespace`."""
    plain, skip = [], False
    for word in words:
        if not skip and not word.startswith("--"):
            plain.append(word)
        skip = word == "--namespace"
    for name in SWITCHES:
        if [program, *plain][: len(name.split())] == name.split():
            return name, SWITCHES[name], VALUES.get(name, set())
    raise ValueError(f"{program} {plain}: not a command that the pages use")


def assigned(texts: list[str]) -> dict[str, Any]:
    """The values of `--set a.b=c,d[0]=1,e={f,g}`, with `\\.` for a dot in a key."""
    tree: dict[str, Any] = {}
    for text in [part for whole in texts for part in re.split(r"(?<!\\),(?![^{]*})", whole)]:
        path, _, value = text.partition("=")
        keys = [key.replace("\\.", ".") for key in re.split(r"(?<!\\)\.", path)]
        place = tree
        for key in keys[:-1]:
            place = step(place, key)
        place[keys[-1]] = scalar(value)
    return tree


def step(place: dict[str, Any], key: str) -> dict[str, Any]:
    """The map below a key, or in a list below it."""
    if found := re.fullmatch(r"(.+)\[(\d+)\]", key):
        items: list[dict[str, Any]] = place.setdefault(found[1], [])
        items.extend({} for _ in range(int(found[2]) + 1 - len(items)))
        return items[int(found[2])]
    return place.setdefault(key, {})


def scalar(text: str) -> Any:
    """A value as Helm reads it."""
    if found := re.fullmatch(r"{(.*)}", text):
        return [scalar(part) for part in found[1].split(",")]
    words = {"true": True, "false": False, "null": None}
    return int(text) if re.fullmatch(r"0|-?[1-9]\d*", text) else words.get(text, text)
