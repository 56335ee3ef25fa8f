"""What can be said of the Dockerfiles without building them."""

import re

import pytest

from tests.charts.images import ROOT, copied

SERVICES = ["processor", "streamer"]


@pytest.fixture(params=SERVICES)
def dockerfile(request):
    return request.param, (ROOT / "services" / request.param / "Dockerfile").read_text()


def test_both_begin_with_the_same_pinned_base():
    bases = {
        re.search(r"^ARG BASE=(\S+)$", (ROOT / "services" / name / "Dockerfile").read_text(), re.MULTILINE)[1]
        for name in SERVICES
    }
    (base,) = bases
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base)


@pytest.mark.security
def test_it_runs_as_a_number_that_is_not_root_and_needs_no_shell(dockerfile):
    name, text = dockerfile
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["65532:65532"] * 2
    *_, last = text.split("\nFROM ")
    assert last.startswith("base AS run\n")
    assert f'ENTRYPOINT ["headway-{name}"]' in last
    assert all(line.startswith("RUN [") for line in text.splitlines() if line.startswith("RUN"))


def test_everything_that_is_installed_is_locked_with_hashes(dockerfile):
    _, text = dockerfile
    for line in [line for line in text.splitlines() if '"pip"' in line]:
        assert "--require-hashes" in line or "--no-index" in line or "--no-deps" in line
        assert '"wheel"' not in line or "--no-build-isolation" in line  # which would fetch what no lock names
    for lock in re.findall(r"requirements/\w+\.lock", text):
        pins = re.findall(r"^\S+==\S+.*$", (ROOT / lock).read_text(), re.MULTILINE)
        assert pins
        assert all(pin.endswith("\\") for pin in pins), "every pin is followed by its hashes"


def test_what_is_copied_is_not_ignored(dockerfile):
    _, text = dockerfile
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for source in copied(text):
        assert source.split("/")[0] in kept, source


@pytest.mark.security
def test_both_stages_listen_on_all_addresses_of_the_container(dockerfile):
    name, text = dockerfile
    told = re.findall(r"^ENV (HEADWAY_.+)$", text, re.MULTILINE)
    hosts = {"processor": ["OPS_HOST"], "streamer": ["HOST", "OPS_HOST"]}[name]
    assert told == [" ".join(f"HEADWAY_{name.upper()}_{host}=0.0.0.0" for host in hosts)] * 2
