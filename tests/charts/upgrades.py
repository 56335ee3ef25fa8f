"""What an upgrade must not change: names, selectors and the fields that the API server refuses to change.

`previous.json` holds them as the last released charts render them, with the values of each scenario. To renew it once a
version has been released: ``python -m tests.charts.upgrades``.
"""

import json
from pathlib import Path
from typing import Any

from tests.charts.helm import CHARTS, Objects, render, values

PREVIOUS = Path(__file__).with_name("previous.json")
IMMUTABLE: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"),
    "Service": ("spec.clusterIP", "spec.ports"),
    "Secret": ("type",),
    "ServiceAccount": (),
}
"""Fields of kinds whose objects must also keep their names: another name is another object, and the old one goes with
its pods, its address or its passwords. The ports are what clients connect to."""
RELEASES = ("demo", "nats", "my-nats-release", "a-release-with-a-very-long-name-of-fifty-characters")


def scenarios() -> dict[str, dict[str, Any]]:
    """Chart, name of the release and values of each scenario."""
    files = sorted((CHARTS / "headway" / "ci").glob("*-values.yaml"))
    names = [file.name.removesuffix("-values.yaml") for file in files]
    found = {name: {"chart": "headway", "release": "demo", "values": values(name)} for name in names}
    found |= {f"release {name}": {"chart": "headway", "release": name, "values": {}} for name in RELEASES[1:]}
    renamed = {name: {"fullnameOverride": f"own-{name}"} for name in ("processor", "streamer")}
    found["renamed"] = {"chart": "headway", "release": "demo", "values": renamed}
    return found


def immutable(objects: Objects) -> dict[str, dict[str, Any]]:
    """Of each object that must stay the same one, by kind and name, the fields that must not change."""
    return {
        f"{item['kind']} {item['metadata']['name']}": {path: _field(item, path) for path in IMMUTABLE[item["kind"]]}
        for item in objects
        if item["kind"] in IMMUTABLE
    }


def _field(item: dict[str, Any], path: str) -> Any:
    found: Any = item
    for name in path.split("."):
        found = (found or {}).get(name)
    return found


def rendered(scenario: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the charts of the working tree render for a scenario."""
    return immutable(render(scenario["chart"], scenario["values"], release=scenario["release"]))


def changes(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    """What an upgrade would break."""
    found = [f"{name} is gone" for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        found += [f"{name}: {path}" for path, value in before[name].items() if after[name].get(path) != value]
    return sorted(found)


if __name__ == "__main__":
    made = {name: scenario | {"objects": rendered(scenario)} for name, scenario in scenarios().items()}
    PREVIOUS.write_text(json.dumps(made, indent=1) + "\n")
