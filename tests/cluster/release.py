"""A release of the chart on the cluster that KUBECONFIG names, in a namespace of its own, by Helm and kubectl."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHART = Path(__file__).resolve().parents[2] / "charts" / "headway"
NAME = "trial"
LINES = 12
"""How many lines of a failed command are shown."""
QUICK = ("streamer.minReadySeconds=1", "streamer.drain.preStopSeconds=1", "streamer.drain.windowSeconds=5")
"""So that a rollout takes seconds."""


class ClusterError(Exception):
    """The cluster cannot be used, or something on it is not as it must be."""


class Release:
    """The release. `values` are what it was installed with, as for ``--set``; `timeout_seconds` is Helm's."""

    def __init__(self, helm: str, kubectl: str, values: tuple[str, ...] = (), *, timeout_seconds: int = 300) -> None:
        self.namespace = f"headway-cluster-{secrets.token_hex(4)}"
        self.values = [*QUICK, *values]
        self._helm, self._kubectl = helm, kubectl
        self._timeout = f"{timeout_seconds}s"

    def helm(self, *words: str) -> str:
        """Output of Helm in the namespace. Raises ClusterError."""
        return run(self._helm, "--namespace", self.namespace, *words)

    def kubectl(self, *words: str) -> str:
        """Output of kubectl in the namespace. Raises ClusterError."""
        return run(self._kubectl, "--namespace", self.namespace, *words)

    def objects(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind in the namespace, or those with the labels."""
        words = ("--selector", selector) if selector else ()
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "--output", "json", *words))["items"]
        return items

    def object(self, kind: str, name: str) -> dict[str, Any]:
        """One object. Raises ClusterError where there is none."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "--output", "json"))
        return found

    def install(self) -> None:
        """Install the chart and wait until all pods are ready."""
        self.helm("install", NAME, str(CHART), *self._options())

    def upgrade(self, *values: str) -> None:
        """Upgrade with more values, which stay, and wait until all pods are ready."""
        self.values += values
        self.helm("upgrade", NAME, str(CHART), *self._options())

    def rollback(self, revision: int) -> None:
        """Go back to a revision, and to the values of the installation."""
        self.helm("rollback", NAME, str(revision), "--wait", "--timeout", self._timeout)

    def _options(self) -> list[str]:
        options = ["--wait", "--timeout", self._timeout]
        for value in self.values:
            options += ["--set", value]
        return options

    def pods(self, component: str) -> dict[str, bool]:
        """The pods of a component that are not ending, by uid: whether each is ready."""
        found = {}
        for pod in self.objects("pods", f"app.kubernetes.io/component={component}"):
            if "deletionTimestamp" not in pod["metadata"]:
                conditions = pod.get("status", {}).get("conditions", [])
                found[pod["metadata"]["uid"]] = _is_ready(conditions)
        return found

    @contextmanager
    def watched_replicas(self, deployment: str) -> Iterator[list[int]]:
        """Every number of replicas that the Deployment asks for while the block runs."""
        path = "jsonpath={.spec.replicas}{'\\n'}"
        command = [self._kubectl, "--namespace", self.namespace, "get", "deployment", deployment, "--watch", "-o", path]
        seen: list[int] = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            reader = threading.Thread(target=lambda: seen.extend(map(int, process.stdout or ())))
            reader.start()
            try:
                yield seen
            finally:
                process.terminate()
                reader.join()

    def remove(self) -> None:
        """Delete the namespace with everything in it."""
        run(self._kubectl, "delete", "namespace", self.namespace, "--ignore-not-found", "--timeout", self._timeout)


def _is_ready(conditions: list[dict[str, Any]]) -> bool:
    return any((condition.get("type"), condition.get("status")) == ("Ready", "True") for condition in conditions)


def run(*command: str) -> str:
    """Output of a command. Raises ClusterError with the last lines of what it wrote."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-LINES:]
        raise ClusterError("\n".join([f"{Path(command[0]).name} {' '.join(command[1:4])} … failed:", *said]))
    return done.stdout


def find(variable: str, program: str) -> str:
    """Path of a program: that of the variable, or on the PATH. Raises ClusterError."""
    wanted = os.environ.get(variable, "") or program
    found = shutil.which(wanted)
    if found is None:
        raise ClusterError(f"{wanted} is not installed (or set {variable} to its path)")
    return found


def reachable(kubectl: str) -> dict[str, Any]:
    """Versions of kubectl and of the cluster. Raises ClusterError where there is none."""
    if not (os.environ.get("KUBECONFIG") or (Path.home() / ".kube" / "config").is_file()):
        raise ClusterError("no cluster: set KUBECONFIG to the path of a file that names one")
    try:
        text = run(kubectl, "version", "--output", "json", "--request-timeout", "10s")
    except ClusterError as error:
        raise ClusterError(f"the cluster does not answer\n{error}") from None
    versions: dict[str, Any] = json.loads(text)
    return versions
