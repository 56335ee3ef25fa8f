"""The keys of callers."""

import pytest

from headway_streamer.limits.caller import address_key, owner_key, tenant_key

pytestmark = pytest.mark.security


def test_no_two_callers_have_one_key():
    pairs = [("", "a"), ("a", ""), ("a", "b/c"), ("a/b", "c"), ("a", "b"), ("", "a/b"), ("", "ab")]
    keys = {owner_key(*pair) for pair in pairs} | {address_key("a"), address_key("192.0.2.1"), address_key(bytes(8))}
    keys |= {tenant_key("a"), tenant_key("")}
    assert len(keys) == len(pairs) + 5


def test_a_key_has_one_length_and_holds_no_name():
    key = owner_key("tenant" * 20, "Ada\udc80")
    assert len(key) == 32
    assert "Ada" not in key
