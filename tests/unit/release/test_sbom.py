"""A bill of materials names what an image installs."""

import json

import pytest

from release import sbom
from release.dependencies import PINNED, ROOT

pytestmark = pytest.mark.security


@pytest.mark.needs("make sbom")
@pytest.mark.parametrize("service", sbom.SERVICES)
def test_the_bill_of_an_image_names_every_locked_package(service, tmp_path, security_figures):
    bill = json.loads(sbom.write(service, tmp_path).read_text())
    assert bill["bomFormat"] == "CycloneDX"
    named = {(part["name"], part["version"]) for part in bill["components"]}
    locked = set(PINNED.findall((ROOT / "requirements" / f"{service}.lock").read_text()))
    assert named == locked
    root = bill["metadata"]["component"]
    assert (root["name"], root["version"]) == ("headway", sbom.__version__)
    security_figures(12, f"bill of materials of the {service}", locked=len(locked), named=len(named))
