"""`headway.celery`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import celery

import headway.celery


def owner() -> tuple[str, str] | None:
    return None


def title(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    return name


def connect(app: celery.Celery[Any]) -> None:
    headway.celery.connect(app)
    headway.celery.connect(app, owner=lambda: "ann", title={"shop.load": "Load {path}"}, terminate=True)
    headway.celery.connect(app, owner=owner, title=title, reported=lambda name: True, log_level="OFF")


def refuse(app: celery.Celery[Any]) -> None:
    headway.celery.connect()  # type: ignore[call-arg]
    headway.celery.connect(app, owner="ann")  # type: ignore[arg-type]
    headway.celery.connect(app, title="Load")  # type: ignore[arg-type]


class Task(headway.celery.ProgressTask):
    """A class of tasks of the user's own."""
