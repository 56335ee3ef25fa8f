"""HTML is read in proportion to its length, whatever is in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_kinds.crawl.markup import Tag, Title, decode_body, decode_references, tokens

A = frozenset({"a"})


def listed(source):
    return list(tokens(source, A))


def test_text_and_tags_come_in_order():
    assert listed("x<P>y</p>z") == ["x", Tag("p", {}), "y", Tag("p", {}, True), "z"]


@pytest.mark.parametrize(
    ("tag", "attributes"),
    [
        ('<a href="/x">', {"href": "/x"}),
        ("<a href='/x' title=y>", {"href": "/x", "title": "y"}),
        ("<a href=/x>", {"href": "/x"}),
        ("<A\nHREF = /x>", {"href": "/x"}),
        ("<a href>", {"href": ""}),
        ('<a title="a > b" href="/x">', {"title": "a > b", "href": "/x"}),
        ("<a title=it's href=/x>", {"title": "it's", "href": "/x"}),
        ('<a href="/x?a=1&amp;b=2">', {"href": "/x?a=1&b=2"}),
        ('<a href="/1" href="/2">', {"href": "/1"}),
        ('<a/href="/x"/>', {"href": "/x"}),
    ],
)
def test_attributes_are_read_as_browsers_do(tag, attributes):
    assert listed(tag) == [Tag("a", attributes)]


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- <a href=/x> -->",
        "<script>'<a href=/x>'</script>",
        "<STYLE>a::before{content:'<a href=/x>'}</Style >",
        "<textarea><a href=/x></textarea>",
        "<title><a href=/x></title>",
        "<!doctype html>",
        "<?xml version='1.0'?>",
        "<!-- never closed <a href=/x>",
        "<script> never closed <a href=/x>",
        '<a href="/x" never closed',
    ],
)
def test_what_a_browser_does_not_show_as_a_link_is_none(hidden):
    assert not [token for token in listed(hidden) if isinstance(token, Tag) and token.attributes]


def test_a_comment_ends_where_browsers_end_it():
    assert listed("<!-->x") == ["x"]
    assert listed("<!-- a -- b -->x") == ["x"]


def test_a_title_keeps_what_looks_like_a_tag():
    assert listed("<title>a <b> c</title>")[1] == Title("a <b> c")


def test_a_lone_sign_is_text():
    assert "".join(token for token in listed("1 < 2 <3 & 4 > 3")) == "1 < 2 <3 & 4 > 3"


@pytest.mark.security
@given(st.text(max_size=200) | st.text("<>=\"'/ ab!-&#;?", max_size=200))
def test_no_text_breaks_the_reader(source):
    for token in tokens(source, A):
        assert token


@pytest.mark.security
@pytest.mark.parametrize(
    "unit",
    ["<div>", "<b a=1>", "<!--", "<!", '<a ="', '<a =">="', "<a ='\"", "<script>", "<title>", "</", "<a " + "=" * 99],
)
def test_a_hostile_page_takes_no_more_than_its_length(unit):
    # Quadratic would be minutes here; the run's own time limit is the judge.
    source = unit * (500_000 // len(unit))
    assert sum(1 for _ in tokens(source, A)) <= len(source)


def test_references_are_decoded_and_absurd_ones_replaced():
    assert decode_references("a &amp; b &#233; &eacute; &nope;") == "a & b é é &nope;"
    assert decode_references("&#" + "9" * 10_000 + ";") == "\ufffd"


@pytest.mark.parametrize(
    ("body", "charset", "expected"),
    [
        ("é".encode(), None, "é"),
        ("é".encode("latin-1"), "ISO-8859-1", "é"),
        (b"\x93x\x94", "iso-8859-1", "“x”"),
        ("é".encode("latin-1"), None, "\ufffd"),
        ("é".encode("utf-8-sig"), "latin-1", "é"),
        ("é".encode("utf-16"), None, "é"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
        ("é".encode(), "no-such-charset", "é"),
        (b"6869", "hex", "6869"),
        (b"xn--", "punycode", "xn--"),
        ("é".encode(), "a\0b", "é"),
    ],
)
def test_a_body_is_decoded_by_its_mark_or_header(body, charset, expected):
    assert decode_body(body, charset) == expected


def test_a_body_is_decoded_by_its_meta_tag_if_the_header_is_silent():
    body = b'<meta http-equiv=x content="text/html; charset=windows-1251">' + "Привет".encode("cp1251")
    assert decode_body(body, None).endswith("Привет")
