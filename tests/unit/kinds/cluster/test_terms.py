"""The terms of texts, in scripts with and without spaces between words."""

import pytest

from headway_kinds.cluster.stop_words import ENGLISH
from headway_kinds.cluster.terms import MAX_CHARS, analyser


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("The Quick brown_fox!", ["the", "quick", "brown", "fox"]),
        ("can’t can't", ["can't", "can't"]),  # both apostrophes
        ("room 101 b2 x 7", ["room", "b2"]),  # no numbers, no single letters
        ("ÉTÉ Straße", ["été", "straße"]),
        ("e\u0301te\u0301", ["été"]),  # composed and decomposed letters are the same
        ("ＡＢＣ", ["abc"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # vowel signs are parts of words
        ("Привет мир", ["привет", "мир"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("我喜欢编程", ["我喜", "喜欢", "欢编", "编程"]),
        ("用Python编程", ["用", "python", "编程"]),
        ("สวัสดี", ["สว", "วั", "ัส", "สด", "ดี"]),
        ("日 カ", ["日", "カ"]),
        ("😀 🎉 —", []),
        ("x" * (MAX_CHARS + 1), []),
    ],
)
def test_the_terms_of_a_text(text, terms):
    assert analyser()(text) == terms


def test_stop_words_are_left_out_before_words_are_joined():
    find = analyser(ENGLISH | {"please"}, 2)
    assert find("Please open the red door and close it") == [
        *("open", "red", "door", "close"),
        *("open red", "red door", "door close"),
    ]
    assert analyser((), 3)("one two three") == ["one", "two", "three", "one two", "two three", "one two three"]
