"""The documentation site has every page, once in its navigation; the build itself is `make site`."""

import importlib
import importlib.util
import re
import tomllib
from functools import cache
from pathlib import Path

from tests.fixtures.pages import ROOT


@cache
def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def leaves(nav):
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from [below] if isinstance(below, str) else leaves(below)


def test_the_navigation_names_every_page_once():
    site = load("site")
    nav = list(leaves(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]))
    assert sorted(nav) == sorted([*site.pages().values(), *site.api_pages()])


def test_links_lead_to_where_their_targets_stand_in_the_site():
    site = load("site")
    places = {*site.pages().values(), *site.api_pages(), *site.assets()}
    for source, there in site.pages().items():
        text, linked = site.staged(source)
        copied = {site.place(file) for file in linked}
        for _, target, _ in site.LINK.findall(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)):
            if "://" not in target:
                where = (ROOT / Path(there).parent / target).resolve().relative_to(ROOT).as_posix()
                assert where in places | copied, f"{source.relative_to(ROOT)}: {target}"


def test_files_that_the_configuration_names_exist():
    site = load("site")
    theme = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
    for name in (theme["theme"]["favicon"], theme["theme"]["logo"], *theme["extra_css"]):
        assert site.assets()[name].exists()


def test_the_reference_describes_every_public_name():
    api = load("site").API
    for module in ("headway", "headway.client"):
        public = {name for name in importlib.import_module(module).__all__ if not name.startswith("__")}
        assert set(api[module]) == public


def test_code_keeps_its_links():
    site = load("site")
    page = "[a](x)\n```\n[b](y)\n```\n[c](z)\n"
    assert site.outside_code(page, str.upper) == "[A](X)\n```\n[b](y)\n```\n[C](Z)\n"


def test_names_of_the_api_are_described_where_they_are_defined():
    described = "\n".join(load("site").api_pages().values())
    assert "::: headway.File\n" in described
    assert "::: headway.job.Job\n" in described
    assert "::: builtins." not in described
    assert "::: typing." not in described
