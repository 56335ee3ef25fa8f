"""The delimiter is that of most lines."""

import pytest

from headway_kinds.bulk.delimiter import sep_line, sniff


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2\n2,5;3\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('a;b\n"x,y,z";1\n"x,y";2\n', ";"),
        ("a\nb\n", ","),
        ("", ","),
    ],
)
def test_it_is_detected(text, delimiter):
    assert sniff(text) == delimiter


def test_a_line_that_may_be_cut_off_does_not_count():
    text = "a;b\n1;2\n3,4,5"
    assert sniff(text, cut=True) == ";"


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [("sep=;\na;b\n", ";"), ('"SEP=|"\r\n', "|"), ("a,b\nsep=;\n", ""), ("sep=\n", ""), ("", "")],
)
def test_a_first_line_may_name_it(text, delimiter):
    assert sep_line(text) == delimiter
