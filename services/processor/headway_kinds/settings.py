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

    def __post_init__(self) -> None:
        for name in ("page_seconds", "crawl_seconds", "download_seconds"):
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
