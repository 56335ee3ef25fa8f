"""Names, types and digests of files, as hostile clients send them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_streamer.files.names import ANY_TYPE, attachment, clean_name, digest_of, name_of, type_of
from headway_streamer.problems import Problem

pytestmark = pytest.mark.security


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("data.csv", "data.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\tables\\a b.csv", "a b.csv"),
        ("a\r\nSet-Cookie: x.csv", "aSet-Cookie: x.csv"),
        ("\u202egpj.exe", "gpj.exe"),
        ("e\u0301.csv", "\u00e9.csv"),
        ("...", "file"),
        ("", "file"),
        ("\x00", "file"),
        (" .htaccess. ", "htaccess"),
        ("x" * 300 + ".csv.gz", "x" * 197 + ".gz"),
    ],
)
def test_a_name_is_one_printable_line_without_a_path(name, cleaned):
    assert clean_name(name) == cleaned


@given(st.text())
def test_every_name_can_be_shown_and_saved(name):
    cleaned = clean_name(name)
    assert 1 <= len(cleaned) <= 200
    assert cleaned.isprintable()
    assert not set(cleaned) & set("/\\")
    assert not cleaned.startswith(".")
    assert clean_name(cleaned) == cleaned
    assert attachment(cleaned).isascii()


@given(st.text())
def test_no_header_breaks_the_search_for_a_name(header):
    assert name_of(header, "").isprintable()
    assert name_of(f'attachment; filename="{header}', "").isprintable()
    assert name_of(f"attachment; filename*=UTF-8''{header}", "").isprintable()


@pytest.mark.parametrize(
    ("disposition", "query", "name"),
    [
        ('attachment; filename="a \\"b\\".csv"', "", 'a "b".csv'),
        ("attachment; filename=a.csv; x=y", "", "a.csv"),
        ("attachment; filename=\"x\"; filename*=UTF-8''%e2%82%ac.csv", "", "\u20ac.csv"),
        ('attachment; filename="a.csv"', "b.csv", "b.csv"),
        ("inline", "", "file"),
    ],
)
def test_a_name_comes_from_the_query_or_the_header(disposition, query, name):
    assert name_of(disposition, query) == name


@pytest.mark.parametrize(
    ("header", "found"),
    [("text/csv; charset=utf-8", "text/csv"), ("", ANY_TYPE), ("Application/GZIP", "application/gzip")],
)
def test_the_type_is_kept_without_parameters(header, found):
    assert type_of(header, disposition=False) == found


@pytest.mark.parametrize(
    "header", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain", "text", "a/b c"]
)
def test_what_a_form_of_another_site_can_send_is_refused(header):
    with pytest.raises(Problem, match="415"):
        type_of(header, disposition=False)


def test_plain_text_is_taken_with_a_header_that_other_sites_cannot_send():
    assert type_of("text/plain", disposition=True) == "text/plain"


@pytest.mark.parametrize("form", ["sha-256=:{}:", "SHA-256={}", "md5=x, sha-256={}"])
def test_a_digest_is_read_in_both_forms(form):
    assert digest_of(form.format(base64.b64encode(bytes(32)).decode())) == bytes(32)
    assert digest_of("") is None


@pytest.mark.parametrize("header", ["sha-256=:x:", "md5=:AAAA:", "sha-256", "sha-256=:" + "A" * 100 + ":"])
def test_a_digest_that_cannot_be_read_is_refused(header):
    with pytest.raises(Problem, match="400"):
        digest_of(header)
