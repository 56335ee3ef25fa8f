"""Entry point of the command `headway`. Packages of extras are imported only inside `main`, so that it can report a
missing one.
"""

from __future__ import annotations

import sys

from headway.service.extras import missing

EXTRAS = {
    **dict.fromkeys(("click", "rich", "httpx"), "cli"),
    **dict.fromkeys(("watchfiles", "airportsdata", "litestar", "uvicorn", "jsonschema"), "demo"),
    **dict.fromkeys(("prometheus_client", "protego"), "demo"),
}
"""The extra that installs each package that a plain `pip install headway` does not."""


def main() -> None:
    """Run the command line of `sys.argv`. A missing extra is reported in one line with exit code 2."""
    try:
        from headway.cli.group import cli
        from headway.cli.render.terminal import install_safe_streams

        install_safe_streams()
        cli(prog_name="headway")
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        sys.stderr.write(missing("headway", error, extra))
        sys.exit(2)


if __name__ == "__main__":
    main()
