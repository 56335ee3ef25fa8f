"""The page's JSON keeps the digits of numbers that JavaScript cannot hold."""

import json
import shutil
import subprocess
from decimal import Decimal

import pytest

from headway_streamer.console.assets import FOLDER

pytestmark = pytest.mark.needs("node")

CASES = """[
  1, -1, 0, 0.1, 1e3, -2.5E-3, 9007199254740991, "12345678901234567890", "a\\"b: 12345678901234567890",
  9007199254740992, 9007199254740993, -9007199254740993, 18446744073709551617,
  123456789012345678901234567890, 0.12345678901234567890123, 1e400, {"12345678901234567890": 12345678901234567890},
  [[9007199254740993]], null, true, "\\u2028\\ud83d\\ude00"
]"""
EXPECTED = json.loads(CASES, parse_int=Decimal, parse_float=Decimal)
BAD = ["{", "01234567890123456789", "[12345678901234567890", "{12345678901234567890: 1}", "-", "1.", "NaN"]
SCRIPT = """
import { parse, stringify, Exact } from '%s';
const [cases, bad] = JSON.parse(process.argv[1]);
const value = parse(cases);
const refused = (text) => { try { parse(text); return false; } catch (error) { return error instanceof SyntaxError; } };
const fails = bad.map(refused);
console.log(JSON.stringify({
  text: stringify(value), pretty: stringify(value, 2), fails,
  exact: value.filter((one) => one instanceof Exact).map(String),
  sum: value[9] + 0, shown: `${value[10]}`, none: stringify(undefined) ?? 'undefined',
}));
"""


@pytest.fixture(scope="module")
def ran():
    script = SCRIPT % (FOLDER / "json.js").as_uri()
    done = subprocess.run(
        [shutil.which("node"), "--input-type=module", "-e", script, "--", json.dumps([CASES, BAD])],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_what_is_read_is_written_again_with_its_digits(ran):
    for text in (ran["text"], ran["pretty"]):
        # Decimal knows 1e3 and 1000 for equal, and tells all digits apart.
        assert json.loads(text, parse_int=Decimal, parse_float=Decimal) == EXPECTED


def test_only_numbers_that_would_lose_digits_are_kept_as_text(ran):
    assert ran["exact"] == [
        "9007199254740992",
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551617",
        "123456789012345678901234567890",
        "0.12345678901234567890123",
        "1e400",
    ]


def test_a_kept_number_counts_as_the_nearest_and_reads_as_its_digits(ran):
    assert (ran["sum"], ran["shown"], ran["none"]) == (9007199254740992, "9007199254740993", "undefined")


def test_what_is_not_json_is_refused(ran):
    assert ran["fails"] == [True] * len(BAD)
