"""Generated pages are up to date, links lead somewhere, and every block of code is run by a test or marked."""

import ast
import importlib.util
import re
import shlex
import tomllib
from functools import cache

import click
import msgspec
import pytest

from headway.cli.group import cli
from headway.codec import decode
from headway.kind import REGISTRY
from headway_processor.registration import SETTINGS_GROUP, TASKS_GROUP
from tests.fixtures import features
from tests.fixtures.pages import PAGES, ROOT, all_blocks

BLOCKS = all_blocks()
CODE = re.compile(r"`([^`\n]+)`")


@cache
def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    return generate


def test_generated_pages_are_what_the_sources_say():
    generate = generator()
    for name, make in generate.PAGES.items():
        assert (generate.REFERENCE / name).read_text() == make(), "run `make docs`"


def test_every_feature_of_a_library_is_shown_by_a_test_or_has_a_reason():
    assert features.missing() == [], "mark a test with `pytest.mark.feature`, or give a reason in WHY_NOT"


def test_every_setting_is_explained():
    text = (ROOT / "docs" / "reference" / "settings.md").read_text()
    bare = re.findall(r"^\| `(HEADWAY_\w+)` \| [^|]* \|  \|$", text, re.MULTILINE)
    assert bare == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_is_run_by_a_test_or_marked_as_an_excerpt(block):
    if block.page.name in generator().PAGES and block.page.parent == generator().REFERENCE:
        return  # compared with its source as a whole
    assert block.mark, f"{block}: put <!-- test: path::name --> or <!-- excerpt: why --> above it"
    if block.mark == "test":
        path, _, name = block.said.partition("::")
        source = (ROOT / path).read_text()
        if name:
            (test,) = (node for node in ast.parse(source).body if getattr(node, "name", "") == name)
            assert "printed" in [argument.arg for argument in test.args.args], f"{block.said} does not look at it"
        else:
            assert block.page.name in source or all(one in source for one in block.commands), block.said


def commands():
    """All commands in blocks, and those in the text that stand as code."""
    for block in BLOCKS:
        yield from ((str(block), command) for command in block.commands)
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        yield from ((page.name, code) for code in CODE.findall(text))


@pytest.mark.parametrize(("where", "command"), sorted({pair for pair in commands() if pair[1].startswith("make ")}))
def test_every_make_command_is_a_target(where, command):
    assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), where


def headway_commands():
    for where, command in sorted(set(commands())):
        words = re.sub(r"^\.venv/bin/|^(\w+=\S+ )+", "", command)
        if words.startswith("headway ") and "…" not in words and "KIND" not in words:
            yield where, words


@pytest.mark.parametrize(("where", "command"), list(headway_commands()))
def test_every_headway_command_can_be_read(where, command):
    """With its options, though not run: an unknown one is an error."""
    words = shlex.split(command)[1:]
    if words[0].startswith("-"):
        return
    subcommand = cli.get_command(click.Context(cli), words[0])
    assert subcommand is not None, where
    if words[1:]:
        subcommand.make_context(words[0], words[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_installed_by_pip_is_there_in_a_checkout(page):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for target in re.findall(r"pip install ([^`\n]+)", page.read_text()):
        assert "headway[" not in target.replace("./headway[", ""), f"{target}: no index has headway yet"
        for names in re.findall(r"(?:\.|headway)\[([\w,]+)\]", target):
            assert set(names.split(",")) <= set(extras), target


def test_a_task_of_ones_own_takes_less_than_twenty_lines():
    (code,) = (block.text for block in BLOCKS if block.page.name == "README.md" and block.language == "python")
    assert len(code.rstrip().split("\n")) < 20


def test_buttons_are_called_as_on_the_page():
    sources = "".join(
        path.read_text() for path in (ROOT / "services/streamer/headway_streamer/console/page").glob("*.js")
    )
    names = [name for page in PAGES for name in re.findall(r"[Pp]ress(?:es)?\s\*([^*]+)\*", page.read_text())]
    assert names
    for name in names:
        assert f"'{name}'" in sources or f"`{name.split()[0]} ${{kind.kind}}`" in sources, name


def test_events_that_are_shown_are_events(printed):
    for block in printed:
        shown = msgspec.json.decode(block.text)
        assert decode(block.text.encode()).task == shown["task"]


def test_the_entry_points_that_are_shown_are_the_ones_that_are_looked_up(printed):
    (block,) = printed
    assert list(tomllib.loads(block.text)["project"]["entry-points"]) == [TASKS_GROUP, SETTINGS_GROUP]


async def test_a_function_that_registers_tasks_works_as_printed(printed):
    """With the settings from the environment that it is called with."""
    (block,) = printed
    names = {"__name__": "myapp.uploads"}
    exec(compile(block.text, str(block), "exec", dont_inherit=True), names)
    names["register"]({"MYAPP_BUCKET": "holidays"})
    kind = REGISTRY._kinds.pop("upload")
    assert await kind.handler(None) == "stored in holidays"


async def test_the_task_and_its_test_work_as_printed(printed, tmp_path):
    """Of the how-to: its test passes on its task."""
    printed_names = {"__name__": "printed"}
    for block in printed:
        exec(compile(block.text, str(block), "exec"), printed_names)
    assert REGISTRY._kinds.pop("resize").concurrency == 2
    await printed_names["test_resize_counts_pictures"](tmp_path)


def test_every_decision_has_its_own_number_and_is_listed_in_order() -> None:
    """So that a number can be referred to."""
    folder = ROOT / "docs" / "adr"
    files = sorted(path.name for path in folder.glob("0*.md"))
    assert len({name[:4] for name in files}) == len(files)
    for name in files:
        assert (folder / name).read_text().startswith(f"# {name[:4]} · "), name
    listed = re.findall(r"^\| \[(\d{4})\]\((\d{4}[^)]*)\)", (folder / "README.md").read_text(), re.MULTILINE)
    assert listed == [(name[:4], name) for name in files]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_modules_that_a_page_names_exist(page):
    folders = (ROOT, ROOT / "services" / "streamer", ROOT / "services" / "processor")
    named = re.findall(
        r"`((?:headway\w*|services|tests|bench|docs|charts|deploy|examples)/[\w/.-]+)`", page.read_text()
    )
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_lines_of_text_are_at_most_120_characters_long(page):
    """Not those of tables and blocks of code, nor what cannot be broken: a link or a span of code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "<!--", "!["))]
    assert [line for line in lines if len(re.sub(r"\]\([^)]*\)|`[^`]*`", "", line)) > 120] == []
