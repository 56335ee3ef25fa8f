"""Settings of the bundled kinds."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from headway.errors import SettingsError
from headway.service.settings import load
from headway.service.usage import SettingsGroup

PREFIX = "HEADWAY_PROCESSOR_"
DATA_DIR_VARIABLE = f"{PREFIX}DATA_DIR"
CRAWL_ALLOW_VARIABLE = f"{PREFIX}CRAWL_ALLOW"
DOWNLOAD_SECONDS_VARIABLE = f"{PREFIX}DOWNLOAD_SECONDS"
LIMIT_NAMES = ("max_tokens", "max_completion_tokens")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Environment: `HEADWAY_PROCESSOR_` and the name in capitals."""

    data_dir: str = ""
    """Directory whose files the kinds `bulk` and `cluster` may read; empty for none."""
    crawl_allow: tuple[str, ...] = ()
    """Hosts (`host` or `host:port`) that `crawl`, `bulk` and `cluster` may reach although their address is not
    public."""
    page_seconds: float = 30.0
    """Longest time that `crawl` spends on one request, whatever arrives meanwhile."""
    crawl_seconds: float = 3600.0
    """Time after which a crawl ends, with a report on the pages read so far."""
    download_seconds: float = 600.0
    """Longest time that `bulk` or `cluster` spends on the download of a table, redirects included, whatever arrives
    meanwhile."""
    generate_base_url: str = ""
    """Base URL of the OpenAI-compatible server that `generate` asks, such as http://127.0.0.1:11434/v1. The kind needs
    it. Users cannot choose another one."""
    generate_api_key: str = ""
    """API key of that server, if it asks for one."""
    generate_models: tuple[str, ...] = ()
    """Models that tasks may ask for; the first is taken where none is asked for. `*` among them, or none: all models of
    the server."""
    generate_max_tokens: int = 4096
    """Maximum tokens of one answer, which is also asked for where a task asks for no limit."""
    generate_limit_name: str = "max_tokens"
    """Name of that limit in requests: max_tokens, or max_completion_tokens, which OpenAI's reasoning models ask for."""
    generate_idle_seconds: float = 120.0
    """Longest time without a piece of the answer. A server may load the model before the first one."""
    generate_concurrency: int = 4
    """How many answers one processor asks for concurrently."""

    def __post_init__(self) -> None:
        if self.generate_limit_name not in LIMIT_NAMES:
            raise SettingsError(f"{PREFIX}GENERATE_LIMIT_NAME is one of {', '.join(LIMIT_NAMES)}")
        if self.generate_base_url and not self.generate_base_url.startswith(("http://", "https://")):
            raise SettingsError(f"{PREFIX}GENERATE_BASE_URL must begin with http:// or https://")
        if self.generate_max_tokens < 1 or self.generate_concurrency < 1:
            raise SettingsError(f"{PREFIX}GENERATE_MAX_TOKENS and {PREFIX}GENERATE_CONCURRENCY must be at least 1")
        for name in ("page_seconds", "crawl_seconds", "download_seconds", "generate_idle_seconds"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{PREFIX}{name.upper()} must be above 0 (seconds)")


GROUP = SettingsGroup("Bundled kinds", PREFIX, Settings)
"""For the entry point group `headway.settings`."""


def read(environ: Mapping[str, str]) -> Settings:
    """Build the settings from `environ`; the other variables with the prefix belong to the processor.

    Raises SettingsError.
    """
    own = {f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__}
    return load(Settings, PREFIX, {name: text for name, text in environ.items() if name in own})
