"""Code and pages use standard terms: phrases that were retired do not come back."""

import re
import subprocess

import pytest

from tests.fixtures.pages import ROOT

EXEMPT = {"CHANGELOG.md", "tests/unit/test_language.py"}
RETIRED = {
    r"NATS is away": "NATS is unreachable",
    r"NATS is back": "NATS is reconnected",
    r"for ever(?!y)": "indefinitely",
    r"for good(?! \w+s\b)": "permanently",
    r"anew": "again, recreated",
    r"for so long": "for this long, or the value's name",
    r"so often": "the interval's name",
    r"sign of life": "task beat",
    r"turned away": "rejected",
    r"set aside": "dead-lettered, skipped, dropped",
    r"put aside": "dead-lettered, skipped, dropped",
    r"leans on": "relies on",
    r"is told": "is notified",
    r"says of itself": "logs",
    r"of foreign make": "third-party",
    r"that forgets": "exponentially weighted",
}
"""The phrase as a pattern, and what to write instead."""
GAP = r"[\s#*/]+"
"""Between two words of a phrase: also the end of a line and the marks of a comment."""
PATTERN = re.compile("|".join(r"\b(?:" + phrase.replace(" ", GAP) + r")\b" for phrase in RETIRED), re.IGNORECASE)


def texts():
    """All tracked files that are text, by their paths."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if name not in EXEMPT and (ROOT / name).is_file():
            try:
                yield name, (ROOT / name).read_text()
            except UnicodeDecodeError:
                continue


def test_no_retired_phrase_is_used():
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
        for name, text in texts()
        for match in PATTERN.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("text", ["It waits for ever.", "started\n# anew", "is\n  told", "For so long"])
def test_retired_phrases_are_found(text):
    assert PATTERN.search(text)


@pytest.mark.parametrize("text", ["for every task", "for good reasons", "renewed", "is toldable"])
def test_other_words_are_not_found(text):
    assert not PATTERN.search(text)
