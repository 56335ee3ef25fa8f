"""What an installation goes through in its life. Each step returns what it saw, or raises ClusterError.

The steps run in order: each finds the release as the one before has left it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from tests.cluster.release import NAME, ClusterError, Release

STREAMER, PROCESSOR, NATS = f"{NAME}-streamer", f"{NAME}-processor", f"{NAME}-nats"
SECRET = f"{NATS}-accounts"
CLAIM = f"data-{NATS}-0"
SMALL, LARGE = "1Gi", "2Gi"
FILES_SECONDS = 120
"""How long a kubelet may take to write the files of a changed secret."""
AUTOSCALER_SECONDS = 20
"""The autoscaler counts every 15 s."""
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


class Step(NamedTuple):
    """A step; `runs` says whether it shows something only where pods run."""

    name: str
    run: Callable[[Release, bool], str]
    runs: bool = False


def must(what: bool, otherwise: str) -> None:
    """Raise ClusterError(otherwise) unless it is so."""
    if not what:
        raise ClusterError(otherwise)


def install(release: Release, real: bool) -> str:
    """In a namespace that admits restricted pods alone."""
    release.kubectl("create", "namespace", release.namespace)
    release.kubectl("label", "namespace", release.namespace, RESTRICTED)
    release.values.append(f"nats.jetstream.size={SMALL}")
    release.install()
    for component, count in (("nats", 1), ("processor", 1), ("streamer", 2)):
        pods = release.pods(component)
        must(sum(pods.values()) == len(pods) == count, f"{sum(pods.values())} of {count} pods of {component} are ready")
    return "4 pods ready in a restricted namespace"


def test(release: Release, real: bool) -> str:
    """`helm test`: a task from submit to its end."""
    release.helm("test", NAME, *(["--logs"] if real else []))
    return "a task was submitted and watched to its end" if real else "the pod of the test was admitted"


def upgrade(release: Release, real: bool) -> str:
    """A changed setting of the streamers replaces them, and no other pod."""
    before = {component: release.pods(component) for component in ("nats", "processor", "streamer")}
    release.upgrade("streamer.config.heartbeatSeconds=20")
    after = {component: release.pods(component) for component in before}
    must(not before["streamer"].keys() & after["streamer"].keys(), "a streamer kept its old setting")
    for component in ("nats", "processor"):
        must(before[component].keys() == after[component].keys(), f"the pods of {component} were replaced")
    must(
        release.object("job", f"{NAME}-adapt")["status"].get("succeeded") == 1, "the job that adapts the streams failed"
    )
    return "2 streamers replaced, NATS and the processor untouched, streams adapted"


def rollback(release: Release, real: bool) -> str:
    """Back to the first revision, with the same passwords."""
    passwords = release.object("secret", SECRET)["data"]
    release.values.pop()
    release.rollback(1)
    must(release.object("secret", SECRET)["data"] == passwords, "the rollback changed the passwords of NATS")
    (container,) = release.object("deployment", STREAMER)["spec"]["template"]["spec"]["containers"]
    must(
        not any(e["name"].endswith("HEARTBEAT_SECONDS") for e in container["env"]), "the changed setting is still there"
    )
    return "the setting is gone, the passwords are the same"


def scale(release: Release, real: bool) -> str:
    """By a value."""
    release.upgrade("streamer.replicaCount=4", "processor.replicaCount=3")
    counts = {component: sum(release.pods(component).values()) for component in ("streamer", "processor")}
    must(counts == {"streamer": 4, "processor": 3}, f"ready pods: {counts}")
    return "4 streamers and 3 processors ready"


def autoscale(release: Release, real: bool) -> str:
    """Switching autoscaling on, and off again, never drops replicas."""
    with release.watched_replicas(STREAMER) as streamers, release.watched_replicas(PROCESSOR) as processors:
        release.upgrade("streamer.autoscaling.enabled=true", "processor.autoscaling.hpa.enabled=true")
        time.sleep(AUTOSCALER_SECONDS)
    must(len(release.objects("horizontalpodautoscalers")) == 2, "there are not two autoscalers")
    must(bool(streamers and processors), "no number of replicas was seen")
    must(min(streamers) >= 4, f"streamers dropped: {streamers}")
    must(min(processors) >= 3, f"processors dropped: {processors}")
    return f"replicas seen: streamers {sorted(set(streamers))}, processors {sorted(set(processors))}"


def rotate(release: Release, real: bool) -> str:
    """New passwords of NATS beside the old ones, then without them; no pod of the services is replaced."""
    before = release.object("secret", SECRET)["data"]
    pods = {component: release.pods(component).keys() for component in ("processor", "streamer")}
    release.upgrade("nats.auth.rotation=2")
    both = release.object("secret", SECRET)["data"]
    must(both != before, "the passwords are the same")
    time.sleep(FILES_SECONDS if real else 0)
    release.upgrade("nats.auth.revocation=2")
    for component, kept in pods.items():
        must(release.pods(component).keys() == kept, f"the pods of {component} were replaced")
    return "new passwords, then without the old ones; no pod of the services was replaced"


def grow(release: Release, real: bool) -> str:
    """The volume of NATS: the StatefulSet is deleted without its pod, the claim patched, the chart upgraded."""
    claim = release.object("persistentvolumeclaim", CLAIM)
    expands = _expands(release, claim["spec"].get("storageClassName", ""))
    if not expands:
        return "left out: the storage class does not expand volumes"
    release.kubectl("delete", "statefulset", NATS, "--cascade=orphan")
    patch = f'{{"spec":{{"resources":{{"requests":{{"storage":"{LARGE}"}}}}}}}}'
    release.kubectl("patch", "persistentvolumeclaim", CLAIM, "--patch", patch)
    release.upgrade(f"nats.jetstream.size={LARGE}")
    release.kubectl(
        "wait",
        f"persistentvolumeclaim/{CLAIM}",
        f"--for=jsonpath={{.status.capacity.storage}}={LARGE}",
        "--timeout=300s",
    )
    must(release.object("persistentvolumeclaim", CLAIM)["metadata"]["uid"] == claim["metadata"]["uid"], "a new claim")
    pods = release.pods("nats")
    must(list(pods.values()) == [True], "NATS is not ready")
    return f"{SMALL} became {LARGE} in the same volume"


def _expands(release: Release, storage_class: str) -> bool:
    return bool(release.object("storageclass", storage_class).get("allowVolumeExpansion"))


def remove(release: Release, real: bool) -> str:
    """Nothing stays but the volume and the hooks, which are deleted by hand."""
    release.helm("uninstall", NAME, "--wait")
    services = "app.kubernetes.io/component in (nats,processor,streamer)"
    release.kubectl("wait", "pods", "--selector", services, "--for=delete", "--timeout=120s")
    release.kubectl("delete", "job,pod", "--selector", f"app.kubernetes.io/instance={NAME}")
    kinds = (
        "deployments,statefulsets,services,configmaps,secrets,networkpolicies,horizontalpodautoscalers,serviceaccounts"
    )
    names = {f"{item['kind']} {item['metadata']['name']}" for item in release.objects(kinds)}
    left = names - {"ConfigMap kube-root-ca.crt", "ServiceAccount default"}
    must(not left, f"left behind: {', '.join(sorted(left))}")
    claims = [item["metadata"]["name"] for item in release.objects("persistentvolumeclaims")]
    must(claims == [CLAIM], f"claims: {claims}")
    release.kubectl("delete", "persistentvolumeclaim", CLAIM)
    return "nothing is left but the volume and the hooks, which were deleted"


STEPS = (
    Step("install", install),
    Step("test", test, runs=True),
    Step("upgrade", upgrade),
    Step("roll back", rollback),
    Step("scale", scale),
    Step("autoscale", autoscale, runs=True),
    Step("rotate passwords", rotate, runs=True),
    Step("test again", test, runs=True),
    Step("grow the store", grow, runs=True),
    Step("test once more", test, runs=True),
    Step("remove", remove),
)
