"""Where a request may carry a token."""

import pytest

from headway_streamer.access.credentials import Credentials, credentials, without_tokens
from headway_streamer.access.errors import UnauthenticatedError

pytestmark = pytest.mark.security
BEARER, COOKIE = (b"authorization", b"Bearer abc"), (b"cookie", b"a=b; __Host-headway=def; c=d")


@pytest.mark.parametrize(
    ("headers", "query", "found"),
    [
        ([], b"", Credentials()),
        ([BEARER], b"task=1", Credentials(bearer="abc")),
        ([(b"authorization", b"bearer  abc ")], b"", Credentials(bearer="abc")),
        ([COOKIE], b"", Credentials(cookie="def")),
        ([(b"cookie", b"headway=abc; x__Host-headway=1")], b"", Credentials()),
        ([], b"task=a&token=ghi&x=1", Credentials(query="ghi")),
        ([COOKIE], b"token=ghi", Credentials(query="ghi")),
        ([], b"tokens=1&mytoken=2", Credentials()),
        ([], b"token=", Credentials()),
        ([], b"a=%74oken&token=g%2Bh+i", Credentials(query="g+h i")),
    ],
)
def test_a_token_is_found(headers, query, found):
    assert credentials(headers, query) == found


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([BEARER, BEARER], b""),
        ([BEARER, COOKIE], b""),
        ([BEARER], b"token=x"),
        ([COOKIE, COOKIE], b""),
        ([(b"cookie", b"__Host-headway=a; __Host-headway=b")], b""),
        ([], b"token=a&token=b"),
        ([], b"token=a&%74oken=b"),
        ([], b"token=a&tok%65n=b"),
        ([(b"authorization", b"Basic YTpi")], b""),
        ([(b"authorization", b"Token abc")], b""),
        ([(b"authorization", b"abc")], b""),
        ([(b"authorization", b"Bearer ")], b""),
        ([(b"authorization", b"")], b""),
    ],
)
def test_several_tokens_and_other_schemes_are_refused(headers, query):
    with pytest.raises(UnauthenticatedError):
        credentials(headers, query)


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        (b"token=t", b""),
        (b"task=a&token=t&cursor=c", b"task=a&cursor=c"),
        (b"%74oken=t&tokens=u&token", b"tokens=u"),
        (b"task=token", b"task=token"),
        (b"", b""),
    ],
)
def test_the_rest_of_a_query_has_no_token(query, rest):
    assert without_tokens(query) == rest
