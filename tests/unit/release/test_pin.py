"""Base images are pinned in Dockerfiles and values, and in nothing else."""

import shutil

import pytest

from release import pin
from release.dependencies import ROOT

pytestmark = pytest.mark.security
DIGEST = "sha256:" + "0" * 63 + "1"
OLD = "sha256:" + "f" * 64


def known(image):
    """A registry that has every image."""
    return DIGEST


def unreachable(image):
    raise pin.PinError(f"{image}: no such host")


@pytest.fixture
def tree(tmp_path):
    for folder in ("services", "charts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return tmp_path


def test_the_base_of_a_dockerfile_is_pinned_and_can_be_renewed():
    text = "# ARG BASE=x\nARG BASE=python:3.13.9-slim\n\nFROM ${BASE} AS base\n"
    pinned = pin.pin_dockerfile(text, known)
    assert f"ARG BASE=python:3.13.9-slim@{DIGEST}\n" in pinned
    assert pin.pin_dockerfile(pinned.replace(DIGEST, OLD), known) == pinned


@pytest.mark.parametrize(("tag", "asked"), [("", "nats:2.15.1"), ("2.14", "nats:2.14")])
def test_an_image_of_others_in_the_values_is_pinned(tag, asked):
    images = []
    text = f'image:\n  repository: nats\n  # Tag.\n  tag: "{tag}"\n  # Digest.\n  digest: ""\n  pullPolicy: Always\n'
    pinned = pin.pin_values(text, "2.15.1", lambda image: images.append(image) or DIGEST)
    assert pinned == text.replace('digest: ""', f'digest: "{DIGEST}"')
    assert images == [asked]


def test_an_image_of_the_project_is_left():
    text = 'image:\n  repository: headway-streamer\n  tag: ""\n  digest: ""\n'
    assert pin.pin_values(text, "1", known) == text


def test_every_image_of_others_in_the_repository_is_pinned(tree):
    asked = []
    changed = pin.pin(tree, lambda image: asked.append(image) or DIGEST)
    names = {path.relative_to(tree).as_posix() for path in changed}
    assert {
        "services/processor/Dockerfile",
        "services/streamer/Dockerfile",
        "charts/headway/charts/nats/values.yaml",
    } <= names
    assert all(DIGEST in path.read_text() for path in changed)
    left = [
        line
        for path in [*tree.glob(pin.DOCKERFILES), *tree.glob("charts/**/values.yaml")]
        for line in path.read_text().splitlines()
        if "ARG BASE=" in line and "@" not in line
    ]
    assert left == []
    assert pin.pin(tree, known) == []


def test_nothing_is_written_if_an_image_cannot_be_pinned(tree):
    before = {path: path.read_text() for path in tree.rglob("*") if path.is_file()}
    with pytest.raises(pin.PinError, match="no such host"):
        pin.pin(tree, lambda image: unreachable(image) if image.startswith("nats") else DIGEST)
    assert {path: path.read_text() for path in tree.rglob("*") if path.is_file()} == before


def test_a_chart_without_a_version_is_an_error(tmp_path):
    (tmp_path / "Chart.yaml").write_text("name: x\n")
    with pytest.raises(pin.PinError, match="appVersion"):
        pin.app_version(tmp_path)


def test_the_lack_of_skopeo_is_said(monkeypatch, capsys):
    monkeypatch.setattr(pin.shutil, "which", lambda name: None)
    assert pin.main([]) == 2
    assert "apt install skopeo" in capsys.readouterr().err
