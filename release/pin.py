"""`make pin`: writes the digests of the base images into the Dockerfiles and charts, for a release.

A tag can be moved; a digest cannot. The digest is that of the index, which covers all platforms: the SHA-256 of the
manifest's bytes (OCI distribution specification, "Pulling manifests"). skopeo asks the registry.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from release.dependencies import ROOT

DOCKERFILES = "services/*/Dockerfile"
VALUES = "charts/**/values.yaml"
BASE = re.compile(r"^(ARG BASE=)([^\s@]+)(@sha256:[0-9a-f]{64})?$", re.MULTILINE)
CHART_IMAGE = re.compile(
    r"^(?P<indent> *)repository: (?P<repository>\S+)\n(?P<between>(?:(?P=indent)\S.*\n)*?)"
    r"(?P=indent)tag: \"(?P<tag>[^\"]*)\"\n(?P<more>(?:(?P=indent)\S.*\n)*?)(?P=indent)digest: \"[^\"]*\"$",
    re.MULTILINE,
)
OWN = "headway-"
"""The beginning of the images that the release builds itself; their digests are known when they are pushed."""


class PinError(Exception):
    """An image could not be pinned."""


class Skopeo(NamedTuple):
    """The program that asks registries. `options` are given to `skopeo inspect`."""

    program: str
    options: tuple[str, ...] = ()

    def digest(self, image: str) -> str:
        """The digest that `image` has now. Raises PinError."""
        command = [self.program, "inspect", "--raw", *self.options, f"docker://{image}"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise PinError(f"{image}: {done.stderr.decode(errors='replace').strip()}")
        return f"sha256:{hashlib.sha256(done.stdout).hexdigest()}"


def pin_dockerfile(text: str, digest: Callable[[str], str]) -> str:
    """Pin the base image of a Dockerfile, or renew its digest."""
    return BASE.sub(lambda found: f"{found[1]}{found[2]}@{digest(found[2])}", text)


def pin_values(text: str, version: str, digest: Callable[[str], str]) -> str:
    """Pin the images in the values of a chart that others build. `version` is the tag of those that name none."""

    def pinned(found: re.Match[str]) -> str:
        if found["repository"].startswith(OWN):
            return found[0]
        image = f"{found['repository']}:{found['tag'] or version}"
        return re.sub(r'digest: "[^"]*"$', f'digest: "{digest(image)}"', found[0])

    return CHART_IMAGE.sub(pinned, text)


def app_version(chart: Path) -> str:
    """The version of what `chart` installs. Raises PinError."""
    found = re.search(r"^appVersion: \"?([^\s\"]+)", (chart / "Chart.yaml").read_text(), re.MULTILINE)
    if not found:
        raise PinError(f"{chart.name}: Chart.yaml has no appVersion")
    return found[1]


def pin(root: Path, digest: Callable[[str], str]) -> list[Path]:
    """Pin every image below `root`. Returns the files that changed; none is written if an image fails (PinError)."""
    texts = {path: pin_dockerfile(path.read_text(), digest) for path in sorted(root.glob(DOCKERFILES))}
    for path in sorted(root.glob(VALUES)):
        texts[path] = pin_values(path.read_text(), app_version(path.parent), digest)
    changed = [path for path, text in texts.items() if path.read_text() != text]
    for path in changed:
        path.write_text(texts[path])
    return changed


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Pin the images of the working tree. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make pin", description="Write the digests of base images into the tree.")
    parser.add_argument("--insecure", action="store_true", help="ask registries without TLS")
    options = parser.parse_args(arguments)
    program = shutil.which("skopeo")
    if program is None:
        print("pin: skopeo is not installed; on Debian and Ubuntu: apt install skopeo", file=sys.stderr)
        return 2
    known: dict[str, str] = {}
    skopeo = Skopeo(program, ("--tls-verify=false",) if options.insecure else ())

    def digest(image: str) -> str:
        if image not in known:
            known[image] = skopeo.digest(image)
            print(f"pin: {image} is {known[image]}")
        return known[image]

    try:
        changed = pin(root, digest)
    except PinError as error:
        print(f"pin: nothing was changed: {error}", file=sys.stderr)
        return 1
    print(f"pin: {len(changed)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
