"""`headway-processor` and `python -m headway_processor`: run one processor until SIGTERM or SIGINT."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from headway.errors import SettingsError
from headway.jetstream.connection import NatsSettings
from headway.service.extras import missing
from headway.service.usage import SettingsGroup, parse
from headway_processor.registration import declared_settings
from headway_processor.settings import PREFIX, Settings

PROG = "headway-processor"
ABOUT = (
    "Runs the tasks that are queued in NATS and reports their progress, until SIGTERM or SIGINT. HEADWAY_TASKS names "
    "the modules whose @task functions it runs, separated by commas."
)
GROUPS = (
    SettingsGroup("Processor", PREFIX, Settings),
    SettingsGroup("NATS", "HEADWAY_NATS_", NatsSettings),
)


def main() -> None:
    """Run the processor and exit with its code."""
    sys.exit(start(sys.argv[1:], os.environ))


def start(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the processor until a signal. Return the exit code: 2 for a wrong setting or when its extra is missing."""
    try:
        parse(PROG, ABOUT, (GROUPS[0], *declared_settings(), *GROUPS[1:]), words)
    except SettingsError as error:
        sys.stderr.write(f"{PROG}: {error}\n")
        return 2
    try:
        from headway_processor.run import run
    except ModuleNotFoundError as error:
        sys.stderr.write(missing(PROG, error, "processor"))
        return 2
    return run(environ)


if __name__ == "__main__":
    main()
