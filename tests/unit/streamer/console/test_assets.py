"""The page's files as they are served, and that the bundle is of these sources."""

import base64
import gzip
import hashlib
import re
import shutil
import subprocess

import pytest

from headway_streamer.console.assets import ACCESS, FOLDER, IMMUTABLE, SCRIPTS, Assets, accepts_gzip
from tests.fixtures.needs import WEB

BUILT = FOLDER / "built"
MAX_BYTES = 25_000
"""Of the page with its style and script, compressed."""
MAX_SIGN_IN_BYTES = 3_000
"""Of the script that is loaded where there is access control."""
MAX_LATER_BYTES = {
    "form": 6_000,
    "filter": 3_000,
    "processors": 3_400,
    "letters": 3_300,
    "scatter": 3_400,
    "asides": 2_500,
    "upload": 2_500,
    "tree": 3_200,
    "retry": 2_000,
}
"""Of the scripts for the form, the filters, the processors, the dead letters, a plot, text beside
the output, an upload, the parts of a task, and a retry with other parameters."""


def test_the_bundle_is_of_these_sources():
    sources = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in (".js", ".css"):
            sources.update(path.name.encode() + path.read_bytes())
    for name in ("style.css", *(f"{name}.js" for name in SCRIPTS)):
        assert sources.hexdigest() in (BUILT / name).read_text()[:200], "the page has changed: run `make page`"


@pytest.mark.needs("node", "npm ci --prefix web")
def test_the_bundle_is_what_the_bundler_makes(tmp_path):
    subprocess.run([shutil.which("node"), WEB / "build.mjs", tmp_path], check=True, capture_output=True)
    for name in ("style.css", *(f"{name}.js" for name in SCRIPTS)):
        assert (tmp_path / name).read_bytes() == (BUILT / name).read_bytes()


@pytest.mark.security
def test_the_page_names_its_script_by_content_and_holds_its_style():
    assets = Assets()
    index = assets.get("index.html")
    text = index.body.decode()
    script = assets.get(re.search(r'src="page/(page\.[0-9a-f]{12}\.js)"', text)[1])
    assert script.cache_control == IMMUTABLE
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in assets.policy
    later = {
        name: assets.get(re.search(rf'data-{name}="page/({name}\.[0-9a-f]{{12}}\.js)"', text)[1])
        for name in MAX_LATER_BYTES
    }
    for name, asset in later.items():
        assert len(asset.gzipped) < MAX_LATER_BYTES[name]
    for asset in (index, script, *later.values()):
        assert gzip.decompress(asset.gzipped) == asset.body
    assert len(index.gzipped) + len(script.gzipped) < MAX_BYTES


@pytest.mark.security
def test_the_sign_in_is_loaded_where_there_is_access_control():
    assert "data-sign-in" not in Assets().get("index.html").body.decode()
    for mode in ("jwt", "forward"):
        assets = Assets(access=mode)
        text = assets.get("index.html").body.decode()
        script = assets.get(re.search(r'data-sign-in="page/(sign-in\.[0-9a-f]{12}\.js)"', text)[1])
        assert script.cache_control == IMMUTABLE
        assert len(script.gzipped) < MAX_SIGN_IN_BYTES
        assert "data-provider" not in text
    assert " data-provider>" in Assets(access="jwt", provider=True).get("index.html").body.decode()


def test_a_script_of_another_version_is_answered_with_this_one_and_not_kept():
    assets = Assets()
    other = assets.get("page.0123456789ab.js")
    assert other.cache_control == "no-store"
    assert b"EventSource" in other.body
    assert b"session/login" in assets.get("sign-in.0123456789ab.js").body
    assert assets.get("page.js") is assets.get("../app.py") is None


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.8", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0", False),
        ("br", False),
        ("", False),
    ],
)
def test_gzip_is_sent_to_those_who_take_it(header, accepted):
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize("mode", ACCESS)
def test_the_page_tells_the_mode_of_access_control(mode):
    page = Assets(access=mode).get("index.html").body.decode()
    assert [ACCESS[each] in page for each in ACCESS] == [each == mode for each in ACCESS]
