import subprocess

import pytest

from bench.compare import trees

pytestmark = pytest.mark.needs("git")


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Runs git in a new repository, which has one commit."""
    root = tmp_path / "repository"
    root.mkdir()
    monkeypatch.setattr(trees, "ROOT", root)

    def run(*arguments):
        identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
        done = subprocess.run(["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    run("init", "--quiet")
    (root / "file").write_text("1")
    run("add", "file")
    run("commit", "--quiet", "--message", "One")
    return run


def test_a_commit_is_checked_out_beside_the_working_tree_and_removed(git):
    (trees.ROOT / "file").write_text("2")
    with trees.checked_out(trees.resolve("HEAD")) as tree:
        assert (tree / "file").read_text() == "1"
    assert not tree.exists()
    assert len(git("worktree", "list").splitlines()) == 1


def test_an_interrupt_removes_the_worktree(git):
    with pytest.raises(KeyboardInterrupt), trees.checked_out("HEAD") as tree:
        raise KeyboardInterrupt
    assert not tree.exists()
    assert len(git("worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("commit", ["nope", "--help", "HEAD~5", ""])
def test_an_unknown_commit_is_an_error_that_says_what_to_do(git, commit):
    with pytest.raises(trees.TreeError, match=r"unknown commit .*git log --oneline"):
        trees.resolve(commit)


def test_uncommitted_changes_are_found(git):
    assert not trees.is_dirty()
    (trees.ROOT / "file").write_text("2")
    assert trees.is_dirty()


def test_a_tree_without_the_product_is_an_error(tmp_path):
    tree = tmp_path / "tree"
    (tree / "headway").mkdir(parents=True)
    (tree / "headway" / "__init__.py").write_text("raise RuntimeError('broken')")
    with pytest.raises(trees.TreeError, match="RuntimeError: broken"):
        trees.prepare(tree)
