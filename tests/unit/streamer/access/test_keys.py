"""Which key may verify which token, and which keys are usable."""

import json

import pytest
from joserfc.jwk import ECKey, RSAKey

from headway.errors import SettingsError
from headway_streamer.access.keys import StaticKeys, fits, parse_keys, read_keys, secret_key
from tests.fixtures import tokens

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
PUBLIC = tokens.public_keys(tokens.RSA, tokens.EC, tokens.ED)


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (tokens.RSA, {"RS256", "PS512"}),
        (tokens.EC, {"ES256"}),
        (tokens.ED, {"EdDSA", "Ed25519"}),
        (tokens.HMAC, {"HS256"}),
    ],
    ids=lambda value: getattr(value, "key_type", ""),
)
def test_a_key_fits_the_algorithms_of_its_type_and_curve(key, algorithms):
    every = ("RS256", "PS512", "ES256", "ES384", "EdDSA", "Ed25519", "HS256", "none", "")
    assert {name for name in every if fits(key, name)} == algorithms


@pytest.mark.parametrize("declared", [{"use": "enc"}, {"alg": "ES384"}])
def test_a_key_for_something_else_does_not_fit(declared):
    key = ECKey.import_key(tokens.EC.as_dict(private=False) | declared)
    assert not fits(key, "ES256")


def test_a_key_is_found_by_its_kid_or_as_the_only_one():
    keys = StaticKeys(parse_keys(PUBLIC))
    assert keys.find("ES256", "ec").kid == "ec"
    assert keys.find("ES256", None).kid == "ec"
    assert keys.find("ES256", "rsa") is None
    assert keys.find("HS256", None) is None
    nameless = StaticKeys([secret_key(tokens.SECRET)])
    assert nameless.find("HS256", "any") is nameless.find("HS256", None) is not None
    two = StaticKeys(parse_keys(tokens.public_keys(tokens.EC, ECKey.generate_key("P-256", {"kid": "other"}))))
    assert two.find("ES256", None) is None


def test_unusable_keys_of_a_set_are_left_out():
    weak = RSAKey.import_key(_rsa_1024()).as_dict(private=False)
    odd = [{"kty": "new"}, {"kty": "EC"}, {"kty": "EC", "crv": "P-256", "x": "A", "y": "A"}, 7, {"use": "enc"}, weak]
    assert [key.kid for key in parse_keys({"keys": [*odd, *PUBLIC["keys"]]})] == ["rsa", "ec", "ed"]


def _rsa_1024():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("document", [None, [], 7, "x", {}, {"keys": []}, {"keys": [{"kty": "new"}]}, {"keys": 7}])
def test_a_set_without_keys_is_an_error(document):
    with pytest.raises(ValueError, match="no key"):
        parse_keys(document)


@pytest.mark.parametrize("key", [tokens.RSA, tokens.EC, tokens.ED], ids=lambda key: key.kid)
@pytest.mark.parametrize("form", ["set", "jwk", "pem"])
def test_keys_are_read_from_files(tmp_path, key, form):
    public = key.as_dict(private=False)
    texts = {
        "set": json.dumps({"keys": [public]}),
        "jwk": json.dumps(public),
        "pem": key.as_pem(private=False).decode(),
    }
    path = tmp_path / "keys"
    path.write_text(texts[form])
    (read,) = read_keys(path)
    assert read.key_type == key.key_type


@pytest.mark.parametrize("text", ["", "{", "{}", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", None])
def test_a_file_without_keys_is_an_error_that_names_it(tmp_path, text):
    path = tmp_path / "keys.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=r"keys\.json"):
        read_keys(path)


def test_a_short_secret_is_an_error_that_does_not_show_it():
    with pytest.raises(SettingsError, match="32 bytes") as caught:
        secret_key("short-secret")
    assert "short-secret" not in str(caught.value)
    assert secret_key("x" * 32, "k").kid == "k"


def test_an_rsa_key_that_takes_long_to_verify_with_is_left_out():
    huge = tokens.RSA.as_dict(private=False) | {"n": "_" * 3000}
    with pytest.raises(ValueError, match="no key"):
        parse_keys({"keys": [huge]})
