"""What installs the locked requirements passes to uv what pip is configured with."""

import shlex
import sys

import pytest

from release import install

LOCK = """\
# a comment
uvicorn==0.41.0 \\
    --hash=sha256:aa
uv==0.13.8 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via headway
wcwidth==0.2 \\
    --hash=sha256:dd
"""


def test_one_package_of_a_lock():
    assert install.locked(LOCK, "uv").splitlines() == [
        "uv==0.13.8 \\",
        "    --hash=sha256:bb \\",
        "    --hash=sha256:cc",
        "    # via headway",
    ]
    with pytest.raises(LookupError, match="u is not locked"):
        install.locked(LOCK, "u")


def test_uv_itself_is_locked():
    assert install.locked(install.LOCK.read_text(), "uv").startswith("uv==")


def test_options_of_pip_are_those_of_uv():
    listed = """\
:env:.cert='/etc/ssl/company.pem'
global.index-url='https://pypi.example.org/simple'
install.extra-index-url='\\nhttps://one.example.org/\\nhttps://two.example.org/'
global.timeout='60'
"""
    options = install.pip_options(listed)
    assert options["timeout"] == "60"
    assert install.uv_variables(options) == {
        "SSL_CERT_FILE": "/etc/ssl/company.pem",
        "UV_DEFAULT_INDEX": "https://pypi.example.org/simple",
        "UV_INDEX": "https://one.example.org/ https://two.example.org/",
    }
    assert install.uv_variables(install.pip_options("")) == {}


@pytest.fixture
def commands(monkeypatch):
    """The commands that are run; those that contain a word of `refused` fail."""
    run, refused = [], []

    def note(command, environment=None):
        run.append(shlex.join(command))
        return int(any(word in run[-1] for word in refused))

    monkeypatch.setattr(install, "_run", note)
    monkeypatch.setattr(install, "_output", lambda command: "")
    return run, refused


def test_pip_installs_where_uv_cannot(commands):
    run, refused = commands
    refused.append("uv pip")
    assert install.main(["--no-deps", "a.lock", "b.lock"]) == 0
    assert "--require-hashes" in run[-2]
    assert run[-1].startswith(f"{sys.executable} -m pip")
    assert run[-1].endswith("--require-hashes --no-deps --requirement a.lock --requirement b.lock")


def test_pip_alone_installs_without_an_index(commands, monkeypatch):
    run, _ = commands
    monkeypatch.setattr(install, "_output", lambda command: ":env:.no-index='1'\n")
    assert install.main(["a.lock"]) == 0
    assert [" -m pip " in command for command in run] == [True]


def test_what_neither_installs_is_a_failure(commands):
    _, refused = commands
    refused.append("install")
    assert install.main(["a.lock"]) == 1
