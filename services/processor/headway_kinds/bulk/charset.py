"""Detect the character encoding of a text file from its first bytes. No I/O."""

from __future__ import annotations

import codecs
import re
from typing import Literal

import charset_normalizer

Encoding = Literal[
    "",
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-5",
    "iso-8859-7",
    "iso-8859-9",
    "iso-8859-15",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "ibm437",
    "ibm850",
    "ibm852",
    "ibm866",
    "shift_jis",
    "euc-jp",
    "gb18030",
    "big5",
    "euc-kr",
    "tis-620",
]
"""The values of the parameter; each is also the name of a codec. Empty: to be detected."""

UNDECODABLE = "\udc80"
"""Replaces bytes that are invalid in the encoding; valid text never contains it."""
ERRORS = "headway-undecodable"
WESTERN = "windows-1252"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DETECTED = {
    "cp1251": "windows-1251",
    "koi8_r": "koi8-r",
    "cp866": "ibm866",
    "cp1253": "windows-1253",
    "cp1255": "windows-1255",
    "cp1256": "windows-1256",
    "cp932": "shift_jis",
    "euc_jp": "euc-jp",
    "gb18030": "gb18030",
    "big5": "big5",
    "cp949": "euc-kr",
    "tis_620": "tis-620",
}
"""Encodings of non-Latin scripts, by the names of the detector."""
MAX_DETECTED_BYTES = 16 * 1024
MAX_WESTERN_SHARE = 0.3
"""In Western languages a smaller share of letters is outside ASCII; in other scripts nearly all are."""
MIN_WORD_LETTERS = 2
MIN_PLAUSIBLE_SHARE = 0.95
_HIGH = re.compile(rb"[\x80-\xff]")
_LETTERS = re.compile(rb"[A-Za-z\x80-\xff]")
_LINE_ENDS = re.compile("[\n\r]")
_LINE_END_BYTES = re.compile(rb"[\n\r]")
_WORDS = re.compile(r"[^\W\d_\x00-\x7f]+")


def _replace(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return UNDECODABLE, error.end


codecs.register_error(ERRORS, _replace)


def encoding_of(sample: bytes) -> tuple[str, bool]:
    """Return the encoding of a file that begins with `sample`, and whether it is a guess."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name, False
    if b"\0" in sample and (wide := _wide(sample)):
        return wide, True
    if _is_utf8(sample):
        return "utf-8", False
    return _of_bytes(sample), True


def decode(sample: bytes, encoding: str) -> str:
    """Decode the beginning of a file, without a character that is cut off at its end."""
    text = codecs.getincrementaldecoder(encoding)(ERRORS).decode(sample)
    return text.removeprefix("\ufeff")


def _wide(sample: bytes) -> str:
    """Return which UTF-16 without a mark it is, or nothing. In the wrong byte order most line ends are missing."""
    least = len(_LINE_END_BYTES.findall(sample)) / 2
    for encoding in ("utf-16-le", "utf-16-be"):
        text = decode(sample, encoding)
        plausible = sum(letter.isprintable() or letter in "\r\n\t" for letter in text)
        if len(_LINE_ENDS.findall(text)) > least and plausible >= MIN_PLAUSIBLE_SHARE * len(text):
            return encoding
    return ""


def _is_utf8(sample: bytes) -> bool:
    """Return whether most of the lines outside ASCII are valid UTF-8; then the other lines are bad."""
    if UNDECODABLE not in (text := decode(sample, "utf-8")):
        return True
    lines = [line for line in text.split("\n") if not line.isascii()]
    good = sum(UNDECODABLE not in line for line in lines)
    return good * 2 >= len(lines)


def _of_bytes(sample: bytes) -> str:
    """Return a Western encoding if few letters are outside ASCII, else that of the detector if it finds words."""
    if len(_HIGH.findall(sample)) <= MAX_WESTERN_SHARE * len(_LETTERS.findall(sample)):
        return WESTERN
    sample = sample[:MAX_DETECTED_BYTES]
    sample = sample[: sample.rfind(b"\n") + 1] or sample
    best = charset_normalizer.from_bytes(sample, cp_isolation=list(_DETECTED)).best()
    found = _DETECTED.get(best.encoding, WESTERN) if best else WESTERN
    words = _WORDS.findall(decode(sample, found))
    return found if sum(map(len, words)) >= MIN_WORD_LETTERS * len(words) > 0 else WESTERN
