"""Secrets are hidden here, for all logs, errors and commands: in URLs, queries, headers and JSON. No I/O.

A text is searched for what looks like a secret, and for secrets that are known. A pattern cannot know where a password
with a `#`, a `/` or a space ends, so whoever holds a password names it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

HIDDEN = "***"
MIN_KNOWN_CHARS = 6
"""A known secret that is shorter is hidden by patterns alone: it would be found within words."""

_WORDS = r"(?:[a-z0-9]+[_-])*(?:token|password|passwd|pass|secret|api[_-]?key|jwt|sig|authorization)"
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # Nothing of such a URL follows its host, so what is before the last @ is the user and password.
        (r"\b((?:nats|tls|wss?)://)[^\s,]*@", rf"\1{HIDDEN}@"),
        (r"\b([a-z][a-z0-9+.-]*://)[^\s/?#\"'<>]*@", rf"\1{HIDDEN}@"),
        (rf"([?&;]{_WORDS}=)[^&\s#\"'<>]+", rf"\1{HIDDEN}"),
        (rf"""(["']{_WORDS}["']\s*:\s*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", rf"\1'{HIDDEN}'"),
        (
            r"(\bauthorization[\"']?\s*[:=,]\s*(?:b?[\"'])?(?:(?:bearer|basic|token)\s+)?)[^\s\"',;)]+",
            rf"\1{HIDDEN}",
        ),
        (r"(\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}", rf"\1{HIDDEN}"),
        (r"\bS[UAONCX][A-Z2-7]{54,}\b", HIDDEN),  # seeds of nkeys
        (r"\beyJ[a-z0-9_-]{8,}\.[a-z0-9_-]+\.[a-z0-9_-]*", HIDDEN),  # JSON Web Tokens
    )
)
_SECRET_OPTION = re.compile(
    rf"""((?<![\w-])(?:--?)?[\w-]*{_WORDS}=|(?<![\w-])--?{_WORDS}\s+|(?<![\w-])\w+_PWD=)"""
    rf"""(?!-)(?:"[^"]*"|'[^']*'|[^\s'"]+)""",
    re.IGNORECASE,
)
_NEXT_URL = re.compile(r",(?=\s*[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
_SECRET_NAME = re.compile(rf"(?:^|_){_WORDS}$", re.IGNORECASE)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` with `secrets`, in every form in which they are written, and what looks like one replaced.

    >>> redact("cannot reach nats://app:s3cret@nats:4222")
    'cannot reach nats://***@nats:4222'
    """
    for form in written_forms(secrets):
        text = text.replace(form, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_url(url: str) -> str:
    """Return a URL, or URLs separated by commas, without users, passwords and tokens. They may be malformed.

    >>> redact_url("http://app:a/b#c@host:8000/x?token=abc")
    'http://***@host:8000/x?token=***'
    """
    return ",".join(map(_without_user, _NEXT_URL.split(url)))


def redact_command(words: Iterable[str]) -> str:
    """Return a command, quoted for a shell, without the values of options and variables whose names are of secrets.

    Also within a word, as for ``sh -c``. A secret that nothing names, as in ``-psecret``, cannot be known.

    >>> redact_command(["env", "PGPASSWORD=abc", "load", "--api-key", "k", "https://app:a@host/", "my file"])
    "env PGPASSWORD=*** load --api-key *** https://***@host/ 'my file'"
    """
    return redact(_SECRET_OPTION.sub(rf"\1{HIDDEN}", shlex.join(words)))


def redact_value(value: Any, hide: Callable[[str], str] = redact) -> Any:
    """Return a value for JSON with `hide` applied to all of its texts; what has no JSON form becomes text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {hide(str(name)): redact_value(item, hide) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item, hide) for item in value]
    return hide(str(value))


def is_secret_name(name: str) -> bool:
    """Return whether a variable of this name holds a secret.

    >>> is_secret_name("HEADWAY_NATS_PASSWORD"), is_secret_name("HEADWAY_NATS_CREDS_FILE")
    (True, False)
    """
    return _SECRET_NAME.search(name) is not None


def written_forms(secrets: Iterable[str]) -> list[str]:
    """Return how `secrets` are written in texts, URLs, JSON and Python, the longest first; without short ones."""
    forms: set[str] = set()
    for secret in secrets:
        if len(secret) >= MIN_KNOWN_CHARS:
            forms |= {secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}
            forms |= {json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1], repr(secret.encode())[2:-1]}
    return sorted(forms, key=len, reverse=True)


def _without_user(url: str) -> str:
    scheme, mark, rest = url.partition("://") if "://" in url else ("", "", url)
    _, at, host = rest.rpartition("@")
    return redact(f"{scheme}{mark}{HIDDEN}@{host}" if at else url)
