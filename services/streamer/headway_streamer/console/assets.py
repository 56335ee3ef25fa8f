"""The files of the console: compressed once, with an ETag, and with a content hash in the script's name."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path
from typing import NamedTuple

LATER = ("form", "filter", "processors", "letters", "scatter", "asides", "tree", "upload", "retry")
"""Scripts that the page loads when they are needed."""
SCRIPTS = ("page", "sign-in", *LATER)
"""The page loads the second where there is access control, and the others when they are needed."""
FOLDER = Path(__file__).parent / "page"
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
DAILY = "public, max-age=86400"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src '{style}'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
ACCESS = {
    "none": "No access control: whoever reaches this address may submit, read and cancel tasks.",
    "jwt": "Access control is on: tokens.",
    "forward": "Access control is on: the gateway in front of this page signs you in.",
}
"""What the page says about each mode of access control, until it knows who is signed in."""
_HASHED_SCRIPT = re.compile(rf"({'|'.join(SCRIPTS)})\.[0-9a-f]{{12}}\.js")


class Asset(NamedTuple):
    """One file."""

    body: bytes
    gzipped: bytes
    media_type: str
    etag: str
    cache_control: str


class Assets:
    """All files of the page, by name; `index.html` is the page itself, which tells the mode of access control.

    Args:
        access: the mode.
        provider: whether people sign in at an identity provider.
    """

    def __init__(self, folder: Path = FOLDER, *, access: str = "none", provider: bool = False) -> None:
        style = (folder / "built" / "style.css").read_text().strip()
        scripts = {name: (folder / "built" / f"{name}.js").read_bytes() for name in SCRIPTS}
        self._scripts = {name: f"{name}.{_digest(script)[:12]}.js" for name, script in scripts.items()}
        # The style is inlined: the first paint needs one response.
        index = (folder / "index.html").read_text().replace("/* page.css */", style)
        for name in ("page", *LATER):
            index = index.replace(f"page/{name}.js", f"page/{self._scripts[name]}")
        index = index.replace(ACCESS["none"], ACCESS[access])
        if access != "none":
            attributes = f'data-access="{access}" data-sign-in="page/{self._scripts["sign-in"]}"'
            index = index.replace('data-access="none"', attributes + " data-provider" * provider)
        self.policy = POLICY.format(
            style="sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        )
        """The Content-Security-Policy of the page."""
        self._files = {
            "index.html": _asset(index.encode(), "text/html", REVALIDATED),
            **{self._scripts[name]: _asset(scripts[name], "text/javascript", IMMUTABLE) for name in SCRIPTS},
            "favicon.svg": _asset((folder / "favicon.svg").read_bytes(), "image/svg+xml", DAILY),
        }

    def get(self, name: str) -> Asset | None:
        """The file of that name.

        During a rollout a page may come from one version and its script be requested from another. That returns the
        script of this version, which no cache keeps under the wrong name.
        """
        found = self._files.get(name)
        if found is None and (match := _HASHED_SCRIPT.fullmatch(name)):
            return self._files[self._scripts[match[1]]]._replace(cache_control="no-store")
        return found


def accepts_gzip(header: str) -> bool:
    """Whether an `Accept-Encoding` header allows gzip (RFC 9110 §12.5.3)."""
    for part in header.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None
    return False


def _asset(body: bytes, media_type: str, cache_control: str) -> Asset:
    return Asset(body, gzip.compress(body, 9, mtime=0), media_type, f'"{_digest(body)[:24]}"', cache_control)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
