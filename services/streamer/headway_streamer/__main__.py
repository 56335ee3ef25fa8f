"""The command `headway-streamer`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from headway.errors import SettingsError
from headway.jetstream.connection import NatsSettings
from headway.service.extras import missing
from headway.service.settings import load
from headway.service.usage import SettingsGroup, parse
from headway.values.redaction import redact
from headway_streamer.access.settings import AccessSettings
from headway_streamer.settings import PREFIX, Settings

PROG = "headway-streamer"
ABOUT = "Serve the progress of tasks as Server-Sent Events, from the log in NATS, until SIGTERM."
GROUPS = (
    SettingsGroup("Streamer", PREFIX, Settings),
    SettingsGroup("Access control", PREFIX, AccessSettings),
    SettingsGroup("NATS", "HEADWAY_NATS_", NatsSettings),
)


def main() -> None:
    """Run a streamer and exit."""
    sys.exit(start(sys.argv[1:], os.environ))


def start(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a streamer. Exit code 0 after a drain, 1 when NATS is lost, 2 for an invalid setting or a missing extra."""
    parse(PROG, ABOUT, GROUPS, words)
    try:
        from headway_streamer.process.run import run
    except ModuleNotFoundError as error:
        sys.stderr.write(missing(PROG, error, "streamer"))
        return 2
    try:
        return run(
            load(Settings, PREFIX, environ, beside=(AccessSettings,)),
            load(AccessSettings, PREFIX, environ, beside=(Settings,)),
            load(NatsSettings, "HEADWAY_NATS_", environ),
        )
    except SettingsError as error:
        sys.stderr.write(redact(f"{PROG}: {error}\n"))
    except OSError as error:
        sys.stderr.write(f"{PROG}: cannot listen: {error}; is another one running? Set {PREFIX}PORT.\n")
    return 2


if __name__ == "__main__":
    main()
