"""A tiny run of `make bench-compare`, of this commit with itself."""

import json
import subprocess
import sys

import pytest

from tests.fixtures.pages import ROOT

TINY = """\
import sys
from bench.compare import __main__, questions

questions.QUESTIONS["tiny"] = questions.throughput("tiny", tasks=1, watchers=5, rate=20, seconds=(0.2, 0.2))
sys.exit(__main__.main())
"""


@pytest.mark.slow
@pytest.mark.needs("git")
def test_a_commit_is_compared_with_itself(tmp_path):
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("needs a git checkout")
    output = tmp_path / "compare.json"
    options = ["--base", "HEAD", "--only", "tiny", "--pairs", "1", "--quick", "--output", str(output)]
    done = subprocess.run([sys.executable, "-c", TINY, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(output.read_text())["questions"]["tiny"]
    assert (len(found["ratios"]), found["missing"]) == (1, 0)
    assert "tiny" in done.stdout
    assert "A claim needs at least 7 pairs." in done.stdout
    assert (
        "headway-base-"
        not in subprocess.run(["git", "worktree", "list"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    )
