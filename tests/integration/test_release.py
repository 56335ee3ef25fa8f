"""The programs of a release: the audit against a database, and pins from a real registry."""

import hashlib
import json
import shutil
import socket
import subprocess
import sys

import pytest

from release import audit, pin
from release.dependencies import ROOT, dependencies
from tests.fixtures.condition import holds_blocking
from tests.fixtures.needs import program
from tests.fixtures.osv import run_osv
from tests.fixtures.process import start_process

pytestmark = pytest.mark.security
CONTROLS = {(control.ecosystem, control.name): ("GHSA-control",) for control in audit.CONTROLS}
CONTROLS_BUT_OURS = {key: ids for key, ids in CONTROLS.items() if key[0] != "Go"}


def run_audit(url, *options):
    command = [sys.executable, "-m", "release.audit", "--database", url, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_audit_finds_an_advisory_about_what_is_locked(security_figures):
    known = CONTROLS | {("PyPI", "uvicorn"): ("GHSA-1",), ("npm", "esbuild"): ("GHSA-2",)}
    with run_osv(known) as url:
        found = run_audit(url)
        ignoring = run_audit(url, "--ignore", "GHSA-1", "--ignore", "GHSA-2", "--ignore", "GHSA-control")
    assert found.returncode == 1
    assert "GHSA-1: Known to be bad" in found.stdout
    assert "GHSA-2" in found.stdout
    assert "requirements/streamer.lock" in found.stdout
    assert ignoring.returncode == 0
    planted = sum(f"GHSA-{number}: " in found.stdout for number in (1, 2))
    counts = {"packages": len(dependencies()), "planted": 2, "found": planted}
    security_figures(12, "audit of a database with advisories", **counts)


@pytest.mark.parametrize("known", [{}, CONTROLS_BUT_OURS], ids=["empty", "without an ecosystem"])
def test_the_audit_fails_with_a_line_if_the_database_has_no_data(known):
    with run_osv(known) as url:
        done = run_audit(url)
    assert done.returncode == 3
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"audit: no advisories could be had from {url}: no advisory is known for ")


def test_the_audit_fails_with_a_line_if_the_database_cannot_be_reached():
    with socket.socket() as reserved:  # bound, but nobody listens
        reserved.bind(("127.0.0.1", 0))
        done = run_audit(f"http://127.0.0.1:{reserved.getsockname()[1]}")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def registry(tmp_path):
    """The address of a registry of images."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": address},
    }
    (tmp_path / "registry.yml").write_text(json.dumps(config))
    running = start_process([program("docker-registry"), "serve", tmp_path / "registry.yml"])
    host, port = address.split(":")

    def listens():
        with socket.socket() as client:
            return client.connect_ex((host, int(port))) == 0

    holds_blocking(listens, 20)
    yield address
    running.terminate()
    running.wait(20)


def write_image(folder):
    """An image for two platforms in the OCI layout. Returns the bytes of its index."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def store(kind, body):
        data = json.dumps(body).encode()
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {
            "mediaType": f"application/vnd.oci.image.{kind}.v1+json",
            "digest": f"sha256:{digest}",
            "size": len(data),
        }

    manifests = []
    for machine in ("amd64", "arm64"):
        platform = {"architecture": machine, "os": "linux"}
        config = store("config", platform | {"rootfs": {"type": "layers", "diff_ids": []}})
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
        manifests.append(store("manifest", manifest | {"config": config, "layers": []}) | {"platform": platform})
    kind = "application/vnd.oci.image.index.v1+json"
    index = store("index", {"schemaVersion": 2, "mediaType": kind, "manifests": manifests})
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    name = {"org.opencontainers.image.ref.name": "image"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index | {"annotations": name}]}))
    return index["digest"]


@pytest.mark.needs("skopeo", "docker-registry")
def test_images_are_pinned_by_the_digest_that_a_registry_has(registry, tmp_path, capsys, security_figures):
    digest = write_image(tmp_path / "image")
    image = f"{registry}/library/python:3.13"
    copy = ["skopeo", "copy", "--quiet", "--all", "--insecure-policy", "--dest-tls-verify=false"]
    subprocess.run([*copy, f"oci:{tmp_path / 'image'}:image", f"docker://{image}"], check=True)
    tree = tmp_path / "tree"
    for service in ("processor", "streamer"):
        shutil.copytree(ROOT / "services" / service, tree / "services" / service)
        path = tree / "services" / service / "Dockerfile"
        path.write_text(pin.BASE.sub(f"ARG BASE={image}", path.read_text()))
    assert pin.main(["--insecure"], tree) == 0
    for path in tree.glob(pin.DOCKERFILES):
        assert f"ARG BASE={image}@{digest}\n" in path.read_text()
    assert pin.main(["--insecure"], tree) == 0
    assert capsys.readouterr().out.endswith("pin: 0 files changed\n")
    security_figures(12, "base images pinned from a registry", files=2, platforms=2)


@pytest.mark.needs("skopeo", "docker-registry")
def test_an_image_that_the_registry_lacks_changes_nothing(registry, tmp_path, capsys):
    path = tmp_path / "services" / "streamer" / "Dockerfile"
    path.parent.mkdir(parents=True)
    path.write_text(f"ARG BASE={registry}/none:1\n")
    assert pin.main(["--insecure"], tmp_path) == 1
    assert path.read_text() == f"ARG BASE={registry}/none:1\n"
    assert "nothing was changed" in capsys.readouterr().err
