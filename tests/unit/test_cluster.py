"""`make cluster`: steps in order, a line for each, the first false one ends it, and nothing stays on the cluster."""

import json
import sys
from pathlib import Path

import pytest

from tests.cluster import __main__ as module
from tests.cluster import release as release_module
from tests.cluster.__main__ import is_real, main, perform
from tests.cluster.release import ClusterError, Release, find, reachable, run
from tests.cluster.steps import STEPS, Step


class Namespace:
    """A release of which only the removal is asked."""

    namespace = "headway-cluster-x"

    def __init__(self, error=None):
        self.removed, self._error = 0, error

    def remove(self):
        self.removed += 1
        if self._error:
            raise self._error


def fails(release, real):
    raise ClusterError("no pod is ready")


def passes(release, real):
    return f"fine, real {real}"


def crashes(release, real):
    raise KeyError(real)


def performed(steps, release, *, real=True):
    lines = []
    return perform(steps, release, real=real, say=lines.append), lines


def test_each_step_is_one_line():
    release = Namespace()
    passed, lines = performed([Step("one", passes), Step("two", passes, runs=True)], release, real=False)
    assert passed
    assert [line.split()[:2] for line in lines] == [["ok", "one"], ["ok", "two"]]
    assert [line.endswith("(judged by objects alone)") for line in lines] == [False, True]
    assert release.removed == 1


def test_the_first_false_step_ends_the_run_and_the_namespace_is_removed():
    release = Namespace()
    passed, lines = performed([Step("one", passes), Step("two", fails), Step("three", passes)], release)
    assert not passed
    assert len(lines) == 2
    assert lines[1].startswith("false  two")
    assert lines[1].endswith("no pod is ready")
    assert release.removed == 1


def test_the_namespace_is_removed_whatever_happens():
    release = Namespace()
    with pytest.raises(KeyError):
        performed([Step("one", crashes)], release)
    assert release.removed == 1


def test_a_namespace_that_stays_is_named_and_fails():
    passed, lines = performed([Step("one", passes)], Namespace(ClusterError("timed out")))
    assert not passed
    assert lines[-1] == "false  the namespace headway-cluster-x is left behind: timed out"


def test_every_step_of_an_installation_is_there_once_besides_the_test():
    names = [step.name for step in STEPS]
    assert names[0] == "install"
    assert names[-1] == "remove"
    assert len(set(names)) == len(names)


@pytest.fixture
def programs(monkeypatch, tmp_path):
    """Programs that answer as `answers` says: the first word, or else the exit code 1."""

    def answering(**answers):
        for name in ("helm", "kubectl"):
            path = tmp_path / name
            path.write_text(
                f"#!{sys.executable}\nimport sys\nanswers = {answers!r}\n"
                "found = [answers[word] for word in sys.argv if word in answers]\n"
                "print(found[0]) if found else sys.exit('connection refused')\n"
            )
            path.chmod(0o755)
            monkeypatch.setenv(name.upper(), str(path))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        return str(tmp_path / "kubectl")

    return answering


VERSION = json.dumps({"serverVersion": {"gitVersion": "v1.34.4"}})
KWOK = json.dumps({"items": [{"metadata": {"annotations": {"kwok.x-k8s.io/node": "fake"}}}]})
NONE = json.dumps({"items": []})


def test_without_a_program_it_says_which_and_exits_with_2(monkeypatch, capsys):
    monkeypatch.setenv("HELM", "no-such-helm")
    assert main([]) == 2
    assert capsys.readouterr().err == "cluster: no-such-helm is not installed (or set HELM to its path)\n"


def test_without_a_cluster_it_says_what_to_set(programs, monkeypatch, tmp_path, capsys):
    programs()
    assert main([]) == 2
    assert "the cluster does not answer" in capsys.readouterr().err
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert main([]) == 2
    assert "set KUBECONFIG" in capsys.readouterr().err


def test_without_a_storage_class_it_says_what_to_set(programs, capsys):
    programs(version=VERSION, nodes=NONE, storageclasses=NONE)
    assert main([]) == 2
    assert "--set nats.jetstream.storageClass=" in capsys.readouterr().err


def test_the_exit_code_and_the_last_line_tell_whether_all_passed(programs, monkeypatch, capsys):
    programs(version=VERSION, nodes=KWOK)
    seen = []

    def performs(steps, release, *, real, say):
        seen.append((steps, release.values[-1], real))
        return len(seen) == 1

    monkeypatch.setattr(module, "perform", performs)
    assert main(["--set", "nats.jetstream.storageClass=fast"]) == 0
    assert main(["--set", "nats.jetstream.storageClass=fast"]) == 1
    assert seen[0] == (STEPS, "nats.jetstream.storageClass=fast", False)
    out = capsys.readouterr().out.splitlines()
    assert "nodes of kwok: pods do not run" in out[0]
    assert [line.split(" in ")[0] for line in out[1::2]] == ["all steps passed", "FAILED"]


def test_programs_are_those_of_the_variables(programs):
    kubectl = programs(version=VERSION, nodes=NONE)
    assert find("KUBECTL", "kubectl") == kubectl
    assert reachable(kubectl)["serverVersion"]["gitVersion"] == "v1.34.4"
    assert is_real(kubectl)


def test_a_failed_command_shows_its_last_lines():
    code = "import sys; print(*range(99), sep='\\n', file=sys.stderr); sys.exit(1)"
    with pytest.raises(ClusterError, match=r"failed:\n87\n") as caught:
        run(sys.executable, "-c", code)
    assert "86" not in str(caught.value)


@pytest.fixture
def asked(monkeypatch):
    """The commands of a release, which all succeed."""
    commands = []
    monkeypatch.setattr(release_module, "run", lambda *words: commands.append(words) or "")
    return commands


def test_a_release_keeps_its_values_over_upgrades(asked):
    release = Release("helm", "kubectl", ("a=1",))
    release.install()
    release.upgrade("b=2")
    release.rollback(1)
    release.remove()
    assert [words[3] for words in asked[:3]] == ["install", "upgrade", "rollback"]
    assert "b=2" not in asked[0]
    assert asked[1][-4:] == ("--set", "a=1", "--set", "b=2")
    assert asked[3][:3] == ("kubectl", "delete", "namespace")
    assert {words[2] for words in asked[:3]} == {release.namespace}
