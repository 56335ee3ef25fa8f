"""`make sbom`: a CycloneDX bill of materials for each image in dist/, from the lock file that the image installs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from headway import __version__
from release.dependencies import ROOT

SERVICES = ("processor", "streamer")
WRITER = (sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements")
"""It warns that a lock file does not say which package needs which."""


def write(service: str, folder: Path) -> Path:
    """Write the bill of `service` into `folder`. Raises CalledProcessError."""
    target = folder / f"headway-{service}.cdx.json"
    lock = ROOT / "requirements" / f"{service}.lock"
    options = ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--validate"]
    subprocess.run([*WRITER, *options, "--output-file", target, lock], check=True)
    bill = json.loads(target.read_text())
    bill["metadata"]["component"]["version"] = __version__  # which pyproject.toml does not hold
    target.write_text(json.dumps(bill, indent=2) + "\n")
    return target


def main() -> None:
    """Write all bills and print their paths."""
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    for service in SERVICES:
        print(write(service, folder).relative_to(ROOT))


if __name__ == "__main__":
    main()
