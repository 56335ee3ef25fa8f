"""The command lines of pages and notes work as printed: what they name is there, and what they set renders."""

import re
from itertools import product

import click
import pytest
import yaml

from headway.cli.group import cli
from tests.charts.commands import Command, assigned, lines, read
from tests.charts.helm import merged, path_of, render, render_files, values
from tests.charts.images import ROOT
from tests.charts.test_render import SCENARIOS
from tests.fixtures.pages import PAGES, blocks

WITH_COMMANDS = [
    page for page in PAGES if re.search(r"\b(helm|kubectl) \w", page.read_text()) and "adr" not in page.parts
]
OFFICIAL = {("service", "nats"), ("statefulset", "nats"), ("pod", "nats-0"), ("pod", "nats-1"), ("pod", "nats-2")}
"""Objects of the release `nats` of the official chart."""
SHORT = {"pvc": "persistentvolumeclaim", "svc": "service", "sts": "statefulset", "deploy": "deployment"}
INSTALLED = ("helm install", "helm upgrade", "helm template")


def commands_of(page):
    """The commands of helm and kubectl of each block, and those within the text."""
    found = blocks(page)
    for block in found:
        if block.language in ("", "sh"):
            yield str(block), [command for line in lines(block.text) if (command := read(line))]
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for text in re.findall(r"`((?:helm|kubectl) [^`]+)`", prose):
        if len(text.split()) > 3 or re.search(r"[/=]", text):  # not the name of a command alone
            yield str(page), [command for line in lines(text) if (command := read(line))]


def installed(command: Command):
    """The objects that an installation makes. Fails if it would."""
    given = {}
    for file in command.values("--values"):
        assert (ROOT / file).is_file(), command.text
        given = merged(given, yaml.safe_load((ROOT / file).read_text()))
    release, chart = command.words
    if not chart.startswith("charts/"):
        return []
    (name,) = [name for name in ("headway", "nats", "processor", "streamer") if ROOT / chart == path_of(name)]
    if command.values("--reset-then-reuse-values") and name in ("processor", "streamer"):
        given = merged({"nats": {"url": "nats://of.the.installation:4222"}}, given)
    return render(name, merged(given, assigned(command.values("--set"))), release=release)


def things(objects):
    """Kinds and names of objects, and of what a cluster makes of them."""
    for item in objects:
        kind, name = item["kind"].lower(), item["metadata"]["name"]
        yield kind, name
        for claim in item["spec"].get("volumeClaimTemplates", []) if kind == "statefulset" else []:
            yield "persistentvolumeclaim", f"{claim['metadata']['name']}-{name}-0"


def named(command: Command):
    """The objects that a command of kubectl names."""
    if command.name.startswith(("helm", "kubectl create", "kubectl run", "kubectl label", "kubectl drain")):
        return
    words = [word for word in command.words if not re.fullmatch(r"[\d:]+", word)]
    pairs = [word.split("/") for word in words if "/" in word] or ([words] if len(words) == 2 else [])
    for kind, name in pairs:
        yield SHORT.get(kind, kind), name


def made(command: Command):
    """What a command of a page itself makes."""
    kind = {"kubectl create secret generic": "secret", "kubectl run": "pod"}.get(command.name)
    return {(kind, command.words[0])} if kind else set()


@pytest.fixture(scope="module")
def present():
    """What an installation `demo` has."""
    return {*things(render()), *OFFICIAL}


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_the_commands_of_a_page_name_what_is_there(page, present, chart_figures):
    known, number = set(present), 0
    for place, commands in commands_of(page):
        for command in commands:
            number += 1
            if command.name in INSTALLED:
                known |= set(things(installed(command)))
            known |= made(command)
            assert set(named(command)) <= known, f"{place}: {command.text}"
        assert_one_namespace(place, commands)
    if number:
        chart_figures(15, f"commands of {page.relative_to(ROOT)}", commands=number, refused=0)


def assert_one_namespace(place, commands):
    """Commands of a block look for a release where it was installed."""
    for first, then in product([c for c in commands if c.name in INSTALLED], commands):
        if then.name.startswith("helm") and then.words[:1] == first.words[:1]:
            assert then.namespace == first.namespace, f"{place}: {then.text}"


@pytest.mark.parametrize("release", ["demo", "my-streamer", "1234"])
def test_the_commands_of_the_notes_name_what_was_installed(release, chart_figures):
    found = 0
    for scenario in SCENARIOS:
        given = values(scenario)
        known = set(things(render(given=given, release=release)))
        files = render_files("headway", given, release=release)
        (notes,) = [text for name, text in files.items() if name.endswith("NOTES.txt")]
        indented = "\n".join(line.strip() for line in notes.splitlines() if line.startswith("     "))
        commands = [command for line in lines(indented) if (command := read(line))]
        for command in commands:
            assert command.namespace == "default"
            assert set(named(command)) <= known, command.text
            if command.name in INSTALLED:
                render(given=merged(given, assigned(command.values("--set"))), release=release)
            assert command.name.startswith("kubectl") or command.words[0] == release
        (own,) = [line.split()[1:] for line in indented.splitlines() if line.startswith("headway ")]
        cli.get_command(click.Context(cli), own[0]).make_context(own[0], own[1:])
        found += len(commands) + 1
        assert len(re.findall(r"^\d\. ", notes, re.MULTILINE)) == 3
    chart_figures(15, f"commands of the notes of {release}", scenarios=len(SCENARIOS), commands=found, refused=0)


@pytest.mark.parametrize(
    "text",
    ["helm install demo charts/headway --wait-for-it", "helm instal demo charts/headway",
     "kubectl drain NODE --force-it", "kubectl rollout deployment/demo-streamer"],
)  # fmt: skip
def test_a_command_that_would_fail_is_found(text):
    with pytest.raises(ValueError, match=r"helm|kubectl"):
        read(text)


def test_the_page_pushes_the_images_that_a_registry_must_have(chart_figures):
    text = (ROOT / "docs" / "how-to" / "kubernetes" / "install.md").read_text()
    pushed = set(re.findall(r"^docker push (\S+)$", text, re.MULTILINE))
    tagged = dict(re.findall(r"^docker tag (\S+) (\S+)$", text, re.MULTILINE))
    there = set(re.findall(r"^docker (?:pull|build .*-t) (\S+)", text, re.MULTILINE))
    objects = render(
        given={"global": {"imageRegistry": "registry.example.org"}, "nats": {"metrics": {"enabled": True}}}
    )
    needed = images(objects)
    given = {"image": {"registry": "registry.example.org", "repository": "shop/processor", "tag": "1.4.0"}}
    own = images(render(given={"processor": given})) & pushed
    chart_figures(4, "images that global.imageRegistry moves", images=len(needed), pushed=len(needed & pushed))
    assert pushed == needed | own
    assert set(tagged.values()) == needed
    assert {*tagged, *own} <= there
    assert own == {"registry.example.org/shop/processor:1.4.0"}
    chart_figures(11, "the image of own tasks is built, pushed and installed by one name", images=len(own))


def images(objects):
    specs = [item["spec"].get("template", item)["spec"] for item in objects if item["kind"] in WORKLOADS]
    return {container["image"] for spec in specs for container in spec["containers"]}


WORKLOADS = {"Deployment", "StatefulSet", "Pod"}


def test_the_page_says_what_the_role_edit_may_install(chart_figures):
    text = (ROOT / "docs" / "how-to" / "kubernetes" / "secure.md").read_text()
    table = re.search(r"\| objects \| role `edit` \|\n(.*?)\n\n", text, re.DOTALL)[1]
    rows = [row.split("|")[1:3] for row in table.splitlines()[1:]]
    said = {
        kind: answer.strip().startswith("yes") for kinds, answer in rows for kind in re.findall(r"`([A-Z]\w+)`", kinds)
    }
    groups = {}
    for scenario in SCENARIOS:
        for item in render(given=values(scenario)):
            groups[item["kind"]] = item["apiVersion"].rpartition("/")[0]
    assert said.keys() == groups.keys()
    assert {kind: group in OF_EDIT for kind, group in groups.items()} == said
    chart_figures(15, "kinds of objects, by what the role edit may", kinds=len(said), may=sum(said.values()))


OF_EDIT = {"", "apps", "autoscaling", "batch", "networking.k8s.io", "policy"}
"""Groups of which the role `edit` of Kubernetes may write all kinds that the charts have."""
