"""`headway-streamer`: one streamer, until SIGTERM."""

from __future__ import annotations

import os
import sys

from headway.connection import NatsSettings
from headway.errors import SettingsError
from headway.settings import load
from headway_streamer.service import run
from headway_streamer.settings import PREFIX, Settings


def main() -> None:
    """Run a streamer. Exit code 0 after a drain, 1 when NATS is gone for good, 2 for a wrong setting."""
    try:
        settings = load(Settings, PREFIX, os.environ)
        nats = load(NatsSettings, "HEADWAY_NATS_", os.environ)
        code = run(settings, nats)
    except SettingsError as error:
        sys.stderr.write(f"headway-streamer: {error}\n")
        code = 2
    except OSError as error:
        sys.stderr.write(f"headway-streamer: cannot listen: {error}; is another one running? Set {PREFIX}PORT.\n")
        code = 2
    sys.exit(code)


if __name__ == "__main__":
    main()
