"""Text of a nats-server configuration."""

from headway.jetstream.accounts import Literal
from headway.jetstream.nats_config import WIDTH, render


def test_strings_are_quoted_and_literals_are_not():
    config = {"user": "a b", "password": Literal("$P"), "n": 0, "$odd.key": ["x", Literal("10GB")]}
    assert render(config) == 'user: "a b"\npassword: $P\nn: 0\n"$odd.key": ["x", 10GB]\n'


def test_quotes_in_a_string_do_not_end_it():
    assert render({"a": 'x" }'}) == 'a: "x\\" }"\n'


def test_what_fits_a_line_is_one():
    assert render({"a": {"b": [1, {"c": "d"}]}}) == 'a: { b: [1, { c: "d" }] }\n'


def test_long_blocks_are_indented():
    long = [{"service": "s" * 60}, {"service": "t" * 60}]
    text = render({"a": {"exports": long}})
    assert text.splitlines()[:4] == [
        "a: {",
        "  exports: [",
        f'    {{ service: "{"s" * 60}" }}',
        f'    {{ service: "{"t" * 60}" }}',
    ]
    assert all(len(line) <= WIDTH for line in text.splitlines())
