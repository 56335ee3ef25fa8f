"""`make cluster`: an installation's life on the cluster that KUBECONFIG names, a line per step."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence

from tests.cluster.release import ClusterError, Release, find, reachable, run
from tests.cluster.steps import STEPS, Step


def perform(steps: Iterable[Step], release: Release, *, real: bool, say: Callable[[str], None] = print) -> bool:
    """Run the steps until one fails, with a line for each, and remove the namespace. Returns whether all passed."""
    passed = False
    try:
        for step in steps:
            began = time.monotonic()
            try:
                seen = step.run(release, real)
            except ClusterError as error:
                say(f"false  {step.name:<18} {time.monotonic() - began:6.1f} s  {error}")
                break
            objects = "" if real or not step.runs else "  (judged by objects alone)"
            say(f"ok     {step.name:<18} {time.monotonic() - began:6.1f} s  {seen}{objects}")
        else:
            passed = True
    finally:
        passed = _removed(release, say) and passed
    return passed


def _removed(release: Release, say: Callable[[str], None]) -> bool:
    try:
        release.remove()
    except ClusterError as error:
        say(f"false  the namespace {release.namespace} is left behind: {error}")
        return False
    return True


def is_real(kubectl: str) -> bool:
    """Whether pods run: not on nodes that kwok pretends to be."""
    nodes = json.loads(run(kubectl, "get", "nodes", "--output", "json"))["items"]
    return not any("kwok.x-k8s.io/node" in node["metadata"].get("annotations", {}) for node in nodes)


def has_storage(kubectl: str, values: Sequence[str]) -> bool:
    """Whether the volume of NATS gets a storage class."""
    if any(value.startswith("nats.jetstream.storageClass=") for value in values):
        return True
    classes = json.loads(run(kubectl, "get", "storageclasses", "--output", "json"))["items"]
    mark = "storageclass.kubernetes.io/is-default-class"
    return any(one["metadata"].get("annotations", {}).get(mark) == "true" for one in classes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all steps. Returns the exit code: 0, 1 when a step is false, 2 where there is no cluster."""
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--set", action="append", default=[], metavar="VALUE", help="a value of the chart, as for Helm")
    parser.add_argument("--timeout", type=int, default=300, metavar="SECONDS", help="how long a step may wait for pods")
    options = parser.parse_args(arguments)
    try:
        helm, kubectl = find("HELM", "helm"), find("KUBECTL", "kubectl")
        version = reachable(kubectl)["serverVersion"]["gitVersion"]
        real = is_real(kubectl)
        if not has_storage(kubectl, options.set):
            raise ClusterError("no default storage class: name one by ARGS='--set nats.jetstream.storageClass=…'")
        nodes = "" if real else ", nodes of kwok: pods do not run"
        print(f"Kubernetes {version}{nodes}; Helm {run(helm, 'version', '--short').strip()}", flush=True)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the namespace is removed then too
    release = Release(helm, kubectl, tuple(options.set), timeout_seconds=options.timeout)
    began = time.monotonic()
    passed = perform(STEPS, release, real=real, say=lambda line: print(line, flush=True))
    print(f"{'all steps passed' if passed else 'FAILED'} in {time.monotonic() - began:.0f} s")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
