"""The Tiltfile, evaluated against stubs, names what the charts and the Dockerfiles have."""

import json
import re
import subprocess

import pytest
import starlark
import yaml

from headway_kinds.bulk.kind import BulkParams
from headway_kinds.crawl.kind import CrawlParams
from tests.charts.commands import assigned
from tests.charts.helm import KUBERNETES, PASSWORDS, merged, one, pods, render, values
from tests.charts.images import ROOT, copied

NAMES = [
    "version_settings", "allow_k8s_contexts", "ci_settings", "default_registry", "docker_build", "watch_file", "helm",
    "k8s_yaml", "k8s_resource", "local", "local_resource", "port_forward", "link", "fall_back_on", "sync",
]  # fmt: skip


KINDS_APART = {"ConfigMap", "Secret", "ServiceAccount", "NetworkPolicy"}
"""Objects that Tilt shows without a group, besides Services whose selector is not among the labels of a template."""


def evaluate(settings=None, subcommand="up"):
    """What the Tiltfile calls, with the settings of tilt_config.json: name, positional and keyword arguments."""
    made = []

    def stub(name):
        def call(*args, **options):
            made.append((name, args, options))
            return [name, *args]

        return call

    module = starlark.Module()
    for name in NAMES:
        module.add_callable(name, stub(name))
    for name in ("define_string", "define_string_list"):
        module.add_callable(f"config_{name}", stub(f"config.{name}"))
    module.add_callable("config_parse", lambda: dict(settings or {}))
    module.add_callable("os_path_exists", lambda path: (ROOT / path).exists())
    module["config_tilt_subcommand"] = subcommand
    module["TRIGGER_MODE_MANUAL"] = "manual"
    text = (ROOT / "Tiltfile").read_text().replace("config.", "config_").replace("os.path.exists", "os_path_exists")
    text = text.replace("tilt_config_json", "tilt_config.json")
    # Tilt allows loops at the top of a file.
    body = "def main():\n" + "\n".join("    " + line for line in text.splitlines()) + "\nmain()\n"
    starlark.eval(module, starlark.parse("Tiltfile", body), starlark.Globals.standard())
    return made


@pytest.fixture
def calls():
    return evaluate()


def test_what_tilt_builds_and_watches_is_there(calls, rung):
    objects = render(given=values("tilt"), release="headway")
    workloads = {item["metadata"]["name"]: item for item in objects if item["kind"] in ("Deployment", "StatefulSet")}
    rendered = {
        item["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[0] for item in workloads.values()
    }
    built = [(args, options) for name, args, options in calls if name == "docker_build"]
    assert {args[0] for args, _ in built} == {image for image in rendered if "headway" in image}
    for _, options in built:
        dockerfile = (ROOT / options["dockerfile"]).read_text()
        for source in copied(dockerfile):
            assert (ROOT / source).exists(), source
            assert any(source == path or source.startswith(f"{path}/") for path in options["only"]), source
        stages = re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE)
        assert options["target"] in stages
        (stage,) = (part for part in dockerfile.split("\nFROM ") if f" AS {options['target']}\n" in part)
        for name, source, target in [step for step in options["live_update"] if step[0] == "sync"]:
            assert f"COPY --chown=65532:65532 {source} {target}\n" in stage, name
    for args in [args for name, args, _ in calls if name in ("watch_file", "helm")]:
        assert (ROOT / args[0]).exists()
    (chart,) = (options for name, _, options in calls if name == "helm")
    assert chart["kube_version"].removesuffix(".0") in KUBERNETES
    made = {args[0].split()[-1] for name, args, _ in calls if name == "local"}
    for file in chart["values"]:
        assert file in made or (ROOT / file).is_file()
    assert {args[0] for name, args, _ in calls if name == "k8s_resource" and args} == set(workloads)
    for name, args, options in calls:
        if name == "k8s_resource" and args:
            container = workloads[args[0]]["spec"]["template"]["spec"]["containers"][0]
            ports = {port["containerPort"] for port in container["ports"]}
            # On the loopback of the pod, where a forwarded port comes out.
            ports |= {8222} if container["name"] == "nats" else set()
            assert {forward[2] for forward in options["port_forwards"]} <= ports
    rung("Tiltfile against the charts", calls=len(calls), images=len(built))


def test_objects_without_a_workload_are_in_a_group(calls, chart_figures):
    # As `make` writes the passwords: without one for the operator.
    objects = render(given=merged(values("tilt"), {"nats": {"operator": {"password": ""}}}), release="headway")
    templates = [template["metadata"]["labels"] for _, template in pods(objects)]
    apart = {
        f"{item['metadata']['name']}:{item['kind'].lower()}"
        for item in objects
        if item["kind"] in KINDS_APART
        or (item["kind"] == "Service" and not any(item["spec"]["selector"].items() <= its.items() for its in templates))
    }
    groups = {
        options.get("new_name", "".join(args)): options["objects"]
        for name, args, options in calls
        if name == "k8s_resource" and "objects" in options
    }
    grouped = [name for names in groups.values() for name in names]
    known = {*groups, *(args[0] for name, args, _ in calls if name in ("k8s_resource", "local_resource") and args)}
    needed = {need for _, _, options in calls for need in options.get("resource_deps", [])}
    chart_figures(
        18, "objects that Tilt shows in a group", objects=len(apart), grouped=len(grouped), groups=len(groups)
    )
    assert sorted(grouped) == sorted(apart)
    assert needed <= known


def test_tasks_of_ones_own_are_synced_and_reloaded(printed, chart_figures):
    own = json.loads(printed[0].text)
    calls = evaluate(own)
    base, _, (args, options) = [(args, options) for name, args, options in calls if name == "docker_build"]
    lines = options["dockerfile_contents"].splitlines()
    assert lines[0] == f"FROM {base[0][0]}"
    steps = [step for step in options["live_update"] if step[0] == "sync"]
    assert [step for step in base[1]["live_update"] if step[0] == "sync"] == steps[:-1]
    assert f"COPY --chown=65532:65532 . {steps[-1][2]}" in lines
    assert (args[1], steps[-1][1]) == (own["tasks"], own["tasks"])
    dockerfile = (ROOT / base[1]["dockerfile"]).read_text()
    (watched,) = re.findall(r'^ENTRYPOINT \["watchfiles", .*"(/\S+)"\]$', dockerfile, re.MULTILINE)
    assert all(step[2].startswith(f"{watched}/") for step in steps), "the process restarts when one of them changes"
    (chart,) = (options for name, _, options in calls if name == "helm")
    objects = render(given=merged(values("tilt"), assigned(chart["set"])), release="headway")
    (container,) = one(objects, "Deployment", "headway-processor")["spec"]["template"]["spec"]["containers"]
    assert container["image"].rpartition(":")[0] == args[0]
    assert {"name": "HEADWAY_TASKS", "value": "shop.tasks"} in container["env"]
    (path,) = [line.rpartition("=")[2].split(":") for line in lines if line.startswith("ENV PYTHONPATH=")]
    module = ROOT / own["tasks"] / "shop" / "tasks.py"
    assert module.is_file()
    assert steps[-1][2] in path
    chart_figures(18, "own tasks: synced to what the process watches", synced=len(steps), reloaded=len(steps))


def test_buttons_name_their_kinds_and_ci_runs_one(chart_figures):
    kinds = set()
    for name, args, options in evaluate():
        if name != "local_resource":
            continue
        assert options["auto_init"] is False
        if submitted := re.search(r"headway submit (\w+)((?: \w+=\S+)*) --watch", options["cmd"]):
            kind, parameters = submitted[1], set(re.findall(r" (\w+)=", submitted[2]))
            assert args[0].endswith(f": {kind}")
            assert parameters <= PARAMETERS[kind]
            kinds.add(kind)
    assert kinds <= set(values("tilt")["processor"]["config"]["builtinKinds"])
    calls = evaluate(subcommand="ci")
    run = [args[0] for name, args, options in calls if name == "local_resource" and options["auto_init"]]
    (times,) = [options for name, _, options in calls if name == "ci_settings"]
    chart_figures(18, "buttons of demo loads, by kind", kinds=len(kinds), offered=len(kinds), run_by_ci=len(run))
    assert run == ["smoke test: check"]
    assert set(times) == {"timeout", "k8s_grace_period"}


PARAMETERS = {"check": set(), "crawl": {*CrawlParams.__struct_fields__}, "bulk": {*BulkParams.__struct_fields__}}


def test_the_cluster_of_ctlptl_is_one_that_tilt_allows(calls):
    documents = list(yaml.safe_load_all((ROOT / "deploy" / "dev" / "ctlptl.yaml").read_text()))
    cluster = next(item for item in documents if item["kind"] == "Cluster")
    (allowed,) = next(args for name, args, _ in calls if name == "allow_k8s_contexts")
    assert cluster["name"] in allowed
    assert cluster["registry"] == next(item for item in documents if item["kind"] == "Registry")["name"]


@pytest.mark.security
def test_tilt_makes_random_passwords_once_that_git_ignores(calls, tmp_path):
    (command,) = (args[0].split() for name, args, _ in calls if name == "local")
    file = tmp_path / command[-1]
    file.parent.mkdir(parents=True)
    made = []
    for _ in range(2):
        subprocess.run([*command, "--directory", str(tmp_path), "--file", str(ROOT / "Makefile")], check=True)
        made.append(yaml.safe_load(file.read_text()))
    assert made[0] == made[1]
    assert file.stat().st_mode & 0o077 == 0
    passwords = made[0]["nats"]["auth"]["passwords"]
    assert len(set(passwords.values())) == len(PASSWORDS)
    secret = one(render(given=merged(values("tilt"), made[0]), release="headway"), "Secret", "headway-nats-accounts")
    assert {role: secret["stringData"][f"{role}-password"] for role in PASSWORDS} == passwords
    ignored = subprocess.run(["git", "check-ignore", "--quiet", command[-1]], cwd=ROOT)
    assert ignored.returncode == 0
