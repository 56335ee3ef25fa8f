"""`headway`: where the command line begins. Nothing from an extra is imported before it is known to be there."""

from __future__ import annotations

import sys

from headway.service.extras import missing

EXTRAS = {
    **dict.fromkeys(("click", "rich", "httpx"), "cli"),
    **dict.fromkeys(("watchfiles", "airportsdata", "litestar", "uvicorn", "jsonschema"), "demo"),
    **dict.fromkeys(("prometheus_client", "protego"), "demo"),
}
"""Packages that a plain `pip install headway` does not bring, and the extra that does."""


def main() -> None:
    """Run the command of `sys.argv`. A missing extra is one line, exit code 2."""
    try:
        from headway.cli.group import cli
        from headway.cli.render.terminal import protect

        protect()
        cli(prog_name="headway")
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        sys.stderr.write(missing("headway", error, extra))
        sys.exit(2)


if __name__ == "__main__":
    main()
