"""`headway.tqdm`, `headway.rich`, `headway.logging` and `job.bar`."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import assert_type

import headway.logging
import headway.rich
import headway.tqdm
from headway import Job
from headway.progress.bar import Bar


def script(job: Job) -> None:
    assert_type(headway.tqdm.connect(), ExitStack)
    assert_type(headway.rich.connect(), ExitStack)
    assert_type(headway.logging.connect("DEBUG", tracebacks=False), ExitStack)
    handler: logging.Handler = headway.logging.TaskHandler("INFO", tracebacks=False)
    handler.close()
    bar = job.bar(total=10, unit="rows", message="reading", initial=2)
    assert_type(bar, Bar)
    bar.move(5)
    bar.step()
    bar.describe(total=None, unit="lines", message="again")
    assert_type(bar.open, bool)
    job.bar(within=bar).close()


def wrong(job: Job) -> None:
    headway.logging.connect(20)  # type: ignore[arg-type]
    headway.logging.connect("INFO", False)  # type: ignore[call-arg]
    job.bar(10)  # type: ignore[call-arg]
    job.bar(within=1)  # type: ignore[arg-type]
    headway.tqdm.connect(report=1)  # type: ignore[arg-type]
