"""An API server of Kubernetes, as little of it as Helm needs to install, upgrade and look up objects.

It keeps whatever it is given and checks nothing; what the objects must be is tested elsewhere.
"""

import base64
import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import helm_python
import yaml

RESOURCES = {
    "v1": {
        "ConfigMap": "configmaps",
        "Namespace": "namespaces",
        "Pod": "pods",
        "Secret": "secrets",
        "Service": "services",
        "ServiceAccount": "serviceaccounts",
    },
    "apps/v1": {"Deployment": "deployments", "StatefulSet": "statefulsets"},
    "autoscaling/v2": {"HorizontalPodAutoscaler": "horizontalpodautoscalers"},
    "keda.sh/v1alpha1": {"ScaledObject": "scaledobjects"},
    "networking.k8s.io/v1": {"NetworkPolicy": "networkpolicies"},
    "policy/v1": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "storage.k8s.io/v1": {"StorageClass": "storageclasses"},
}
OF_THE_CLUSTER = {"Namespace", "StorageClass"}
"""Kinds of objects that are in no namespace."""
PATH = re.compile(
    r"/(?:api|apis)/(?P<version>v1|[^/]+/v[^/]+)/(?:namespaces/[^/]+/)?(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?"
)
ROOTS = {version: "api/v1" if version == "v1" else f"apis/{version}" for version in RESOURCES}


def resources(version: str) -> dict[str, Any]:
    """The list of the resources of a version."""
    listed = [
        {
            "name": plural,
            "singularName": kind.lower(),
            "namespaced": kind not in OF_THE_CLUSTER,
            "kind": kind,
            "verbs": [],
        }
        for kind, plural in RESOURCES[version].items()
    ]
    return {"kind": "APIResourceList", "groupVersion": version, "resources": listed}


def schema(version: str) -> dict[str, Any]:
    """As much of the OpenAPI of a version as tells Helm that the server itself validates fields."""
    group, _, number = version.rpartition("/")
    paths = {
        f"/{plural}": {
            "patch": {
                "x-kubernetes-group-version-kind": {"group": group, "version": number, "kind": kind},
                "parameters": [{"name": "fieldValidation", "in": "query"}],
                "responses": {},
            }
        }
        for kind, plural in RESOURCES[version].items()
    }
    return {"openapi": "3.0.0", "info": {"title": "", "version": ""}, "paths": paths}


DISCOVERY: dict[str, dict[str, Any]] = {
    "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": version.split("/")[0],
                "versions": [{"groupVersion": version, "version": version.split("/")[1]}],
            }
            for version in RESOURCES
            if version != "v1"
        ],
    },
    "/openapi/v3": {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in ROOTS.values()}},
}
for name, root in ROOTS.items():
    DISCOVERY |= {f"/{root}": resources(name), f"/openapi/v3/{root}": schema(name)}


class ApiServer(ThreadingHTTPServer):
    """Objects by plural and name, of one namespace that need not exist; `reached` counts the reads of objects."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.reached = 0

    def secret(self, name: str) -> dict[str, str]:
        """The contents of a secret."""
        data = self.objects["secrets", name]["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def listed(self) -> list[dict[str, Any]]:
        """All objects, the contents of secrets as text."""
        items = {key: dict(item) for key, item in self.objects.items()}
        for (plural, name), item in items.items():
            if plural == "secrets":
                item["stringData"] = self.secret(name)
        return list(items.values())

    def helm(self) -> helm_python.Config:
        """Helm with this cluster; it keeps the releases in its own memory."""
        whole = {
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        return HelmWithoutJobs(kubeconfig_content=json.dumps(whole), namespace="default", storage_driver="memory")


class HelmWithoutJobs(helm_python.Config):
    """Helm, without the job after an upgrade: nothing here would run it to its end."""

    def upgrade(self, chart: Any, name: str, values: dict[str, Any] | None = None, **options: Any) -> Any:
        return super().upgrade(chart, name, (values or {}) | {"adapt": {"enabled": False}}, **options)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ApiServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in DISCOVERY:
            return self._answer(DISCOVERY[path])
        self.server.reached += 1
        if not (found := PATH.fullmatch(path)):
            return self._missing()
        if found["name"]:
            item = self.server.objects.get((found["plural"], found["name"]))
            return self._answer(item) if item else self._missing()
        items = [item for (plural, _), item in self.server.objects.items() if plural == found["plural"]]
        (kind,) = (kind for kind, plural in RESOURCES[found["version"]].items() if plural == found["plural"])
        return self._answer({"apiVersion": found["version"], "kind": f"{kind}List", "metadata": {}, "items": items})

    def do_POST(self) -> None:
        item = self._body()
        item.setdefault("metadata", {}).setdefault("resourceVersion", "1")
        if "stringData" in item:
            texts = item.pop("stringData")
            item["data"] = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        path = PATH.fullmatch(self.path.partition("?")[0])
        assert path
        self.server.objects[path["plural"], item["metadata"]["name"]] = item
        self._answer(item)

    do_PATCH = do_PUT = do_POST

    def do_DELETE(self) -> None:
        self._body()
        path = PATH.fullmatch(self.path.partition("?")[0])
        assert path
        item = self.server.objects.pop((path["plural"], path["name"]), None)
        self._answer(item) if item else self._missing()

    def _body(self) -> dict[str, Any]:
        return yaml.safe_load(self.rfile.read(int(self.headers.get("Content-Length") or 0))) or {}

    def _missing(self) -> None:
        self._answer({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}, 404)

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        text = json.dumps({"apiVersion": "v1"} | body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


@contextmanager
def run_api_server():
    """A cluster without objects, and Helm for it."""
    server = ApiServer()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with server.helm() as helm:
            yield server, helm
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
