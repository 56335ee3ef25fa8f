"""Texts in bounded memory."""

import pytest

from headway_kinds.cluster.texts import BATCH_TEXTS, MAX_TEXT_CHARS, Texts


def test_texts_are_kept_with_single_spaces_and_empty_ones_are_counted():
    texts = Texts()
    assert all(texts.add(text) for text in ("  a\tb\n c ", "", " \u00a0\n", "日本 😀", "a b c"))
    assert [texts[number] for number in range(len(texts))] == ["a b c", "日本 😀", "a b c"]
    assert (texts.empty, texts.cut, texts.full, len(texts.distinct)) == (2, 0, False, 2)


def test_a_long_text_is_cut_and_half_a_character_is_replaced():
    texts = Texts()
    texts.add("é" * (MAX_TEXT_CHARS + 1))
    texts.add("half \ud83d")
    assert (len(texts[0]), texts.cut, texts[1]) == (MAX_TEXT_CHARS, 1, "half ?")


@pytest.mark.parametrize("texts", [Texts(limit=2), Texts(max_bytes=9)])
def test_what_exceeds_the_limits_is_left_out(texts):
    assert [texts.add(text) for text in ("four", "five", "")] == [True, True, True]
    assert not texts.full
    assert not texts.add("six")
    assert (len(texts), texts.full) == (2, True)


def test_batches_hold_all_texts_in_their_order():
    texts = Texts()
    for number in range(BATCH_TEXTS + 1):
        texts.add(f"text {number}")
    first, last = texts.batches()
    assert (len(first), first[0], last) == (BATCH_TEXTS, "text 0", [f"text {BATCH_TEXTS}"])
    long = Texts()
    for _ in range(300):
        long.add("x" * MAX_TEXT_CHARS)
    assert [len(batch) for batch in long.batches()] == [33] * 9 + [3]
    assert list(Texts().batches()) == []
