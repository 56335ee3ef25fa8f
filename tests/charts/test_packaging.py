"""The charts are complete as they lie in the repository: no link, no download, no copy that went its own way."""

import shutil
import tarfile

import helm_python
import pytest
import yaml

from tests.charts.helm import CHARTS, KUBERNETES, path_of, render, values, with_passwords
from tests.charts.rules import (
    budgets,
    environment,
    mounts,
    names,
    ports,
    quantities,
    read_only,
    restricted,
    selectors,
)  # fmt: skip
from tests.charts.test_render import SCENARIOS, kubernetes_validate

ALONE = {
    "nats": {},
    "processor": {"nats": {"url": "nats://nats:4222"}},
    "streamer": {"nats": {"url": "nats://nats:4222"}},
}
"""The charts that can be installed by themselves, and what they need for it."""
LEFT_BEHIND = [
    ".DS_Store",
    "values.yaml.orig",
    "values.yaml~",
    "ci/more-values.yaml",
    "charts/older-0.0.1.tgz",
    ".idea/x",
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The charts as Flux and Argo CD check them out of Git: without symbolic links."""
    target = tmp_path_factory.mktemp("exported") / "charts"

    def links(directory, entries):
        return [name for name in entries if (CHARTS / directory / name).is_symlink()]

    shutil.copytree(CHARTS, target, ignore=links)
    return target


def test_charts_that_were_packaged_from_git_render_the_same(exported, tmp_path, chart_figures):
    links = [path for path in CHARTS.rglob("*") if path.is_symlink()]
    packaged = rendered = 0
    for chart, scenarios in {
        "headway": [values(name) for name in SCENARIOS],
        **{c: [v] for c, v in ALONE.items()},
    }.items():
        with helm_python.Chart.load(exported / path_of(chart).relative_to(CHARTS)) as loaded:
            archive = tmp_path / loaded.save(tmp_path)
        packaged += 1
        for given in scenarios:
            assert render(chart, given, at=archive) == render(chart, given)
            rendered += 1
    assert links == []
    chart_figures(5, "charts packaged from Git without links", links=len(links), packaged=packaged, rendered=rendered)


@pytest.mark.parametrize("chart", ["headway", *ALONE])
def test_a_package_has_nothing_that_was_left_behind(chart, tmp_path):
    copy = tmp_path / "copy" / chart
    shutil.copytree(path_of(chart), copy)
    for name in LEFT_BEHIND:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text("left behind")
    with helm_python.Chart.load(copy) as loaded, tarfile.open(tmp_path / loaded.save(tmp_path)) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Chart.yaml", "values.yaml", "values.schema.json", "README.md"} <= packed
    assert not packed & set(LEFT_BEHIND)


@pytest.mark.parametrize("chart", ALONE)
def test_the_copy_of_the_library_has_no_other_files(chart):
    library, copy = path_of("common"), path_of(chart) / "charts" / "common"
    files = [{str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} for root in (library, copy)]
    assert files[0] == files[1]


@pytest.mark.parametrize("chart", ["headway", *ALONE])
def test_rendering_warns_of_nothing(chart, capfd):
    render(chart, ALONE.get(chart, values("external-nats")))
    written = capfd.readouterr()
    assert written.out + written.err == ""


@pytest.mark.parametrize("chart", ALONE)
def test_a_chart_alone_is_valid_and_fails_no_rule_of_pods(chart):
    for version in (KUBERNETES[0], KUBERNETES[-1]):
        objects = render(chart, ALONE[chart], kubernetes=version)
        for item in objects:
            kubernetes_validate.validate(item, version, strict=True)
    for rule in (restricted, read_only, selectors, ports, mounts, environment, names, budgets, quantities):
        assert list(rule(objects)) == []


def test_it_can_be_a_part_of_another_chart_by_another_name(tmp_path):
    outer = tmp_path / "outer"
    shutil.copytree(CHARTS / "headway", outer / "charts" / "headway")
    dependency = {"name": "headway", "version": "0.1.0", "alias": "progress"}
    about = {"apiVersion": "v2", "name": "outer", "version": "1.0.0", "dependencies": [dependency]}
    (outer / "Chart.yaml").write_text(yaml.safe_dump(about))
    given = with_passwords("headway", values("tls"))
    given["global"] = given.pop("global")
    inside = render("outer", {"progress": given, "global": given["global"]}, at=outer)
    assert sorted(map(str, inside)) == sorted(map(str, render(given=values("tls"))))
