"""How letters are stored, judged by the first bytes of a file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_kinds.bulk.charset import UNDECODABLE, Encoding, decode, encoding_of

RUSSIAN = "имя,город\n" + "Анна Иванова,Санкт-Петербург\n" * 30
JAPANESE = "名前,都市\n" + "山田太郎,東京都渋谷区\n" * 30
GERMAN = "name,stadt\n" + "Müller,Köln\nGroß,Düsseldorf\n" * 20


@pytest.mark.parametrize("text", [RUSSIAN, JAPANESE, GERMAN, "a,b\n1,2\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_unicode_is_found_out_without_a_mark(text, encoding):
    assert encoding_of(text.encode(encoding)) == (encoding, encoding != "utf-8")


@pytest.mark.parametrize(
    ("mark", "encoding"), [("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-32", "utf-32")], ids=str
)
def test_a_mark_says_it_all(mark, encoding):
    assert encoding_of("ü,1\n".encode(mark)) == (encoding, False)


@pytest.mark.parametrize(
    ("text", "codec", "found"),
    [
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (RUSSIAN, "cp866", "ibm866"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (JAPANESE, "euc-jp", "euc-jp"),
        ("姓名,城市\n" + "王小明,北京市海淀区\n" * 30, "gb18030", "gb18030"),
        ("이름,도시\n" + "김철수,서울특별시\n" * 30, "euc-kr", "euc-kr"),
        ("όνομα,πόλη\n" + "Γιώργος,Αθήνα\n" * 30, "cp1253", "windows-1253"),
        (GERMAN, "latin-1", "windows-1252"),
        ("preis\n" + "1,5 €\n“7 €”\n" * 50, "cp1252", "windows-1252"),
        ("a\n" + "hello\n" * 1000 + "café\n", "latin-1", "windows-1252"),
    ],
)
def test_older_encodings_are_guessed(text, codec, found):
    assert encoding_of(text.encode(codec)) == (found, True)


def test_a_letter_cut_at_the_end_of_the_sample_is_no_fault():
    assert encoding_of(b"x" * 100 + "é".encode()[:1]) == ("utf-8", False)


def test_a_few_lines_that_are_not_utf8_do_not_change_the_others():
    assert encoding_of("ü\n".encode() * 5 + b"\xfc\n" * 5) == ("utf-8", False)
    assert encoding_of("ü\n".encode() * 5 + b"\xfc\n" * 6)[0] == "windows-1252"


@pytest.mark.parametrize("content", [b"a,b\n" + b"1,\x002\n" * 50, b"a,b\n" + b"12,\x002\n" * 50, b"\0" * 100])
def test_nul_bytes_alone_do_not_make_utf16(content):
    assert encoding_of(content) == ("utf-8", False)


@pytest.mark.parametrize("encoding", [name for name in Encoding.__args__ if name])
def test_every_encoding_that_can_be_chosen_is_a_codec(encoding):
    assert decode("a,1\r\n".encode(encoding), encoding) == "a,1\r\n"


@given(st.binary(max_size=200))
def test_any_bytes_have_an_encoding_and_a_text(content):
    encoding, _ = encoding_of(content)
    assert isinstance(decode(content, encoding), str)


def test_what_an_encoding_does_not_have_is_marked():
    assert decode(b"a\xffb", "utf-8") == f"a{UNDECODABLE}b"
