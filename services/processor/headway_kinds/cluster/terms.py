"""The terms of a text: its words, or pairs of characters where a script has no spaces between words. No I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from itertools import groupby

MIN_CHARS = 2
MAX_CHARS = 40

Analyser = Callable[[str], list[str]]
"""Returns the terms of a text in their order, repetitions included."""


def _marks() -> str:
    """All combining marks of the basic plane as ranges of a character class; `\\w` leaves them out.

    Without them a word of Hindi, or one of Arabic with vowel signs, would be taken apart.
    """
    marked = (code for code in range(0x300, 0x10000) if unicodedata.category(chr(code)).startswith("M"))
    runs = [list(run) for _, run in groupby(enumerate(marked), key=lambda pair: pair[1] - pair[0])]
    return "".join(f"{chr(run[0][1])}-{chr(run[-1][1])}" for run in runs)


_CHARACTER = rf"[\w{_marks()}]"
_WORD = re.compile(rf"{_CHARACTER}+(?:['’]{_CHARACTER}+)*")
# Thai, Lao, Myanmar, Khmer, kana, Han.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)


def analyser(stop_words: Collection[str] = (), longest: int = 1) -> Analyser:
    """Return a function that finds the terms of a text.

    Args:
        stop_words: words in lower case that are no terms.
        longest: number of words that a term has at most; with 2 also each pair of words in sequence is a term.

    Numbers, single letters and words of more than 40 characters are no terms. Upper and lower case are the same.
    """
    ignored = frozenset(stop_words)

    def terms(text: str) -> list[str]:
        words = [word for word in _words(text) if word not in ignored]
        found = list(words)
        for length in range(2, longest + 1):
            found += [" ".join(words[at : at + length]) for at in range(len(words) - length + 1)]
        return found

    return terms


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).replace("_", " ").lower()):
        yield from _pieces(word.replace("’", "'"))


def _pieces(text: str) -> Iterator[str]:
    """Pairs of characters where there are no spaces between words; words of other scripts beside them."""
    at = 0
    for run in _UNSPACED.finditer(text):
        yield from _spaced(text[at : run.start()])
        yield from (run[0][place : place + 2] for place in range(max(len(run[0]) - 1, 1)))
        at = run.end()
    yield from _spaced(text[at:])


def _spaced(word: str) -> Iterator[str]:
    if MIN_CHARS <= len(word) <= MAX_CHARS and not word.isdecimal():
        yield word
