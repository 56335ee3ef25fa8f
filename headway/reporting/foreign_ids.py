"""The ids of jobs of other task queues, as task ids."""

from __future__ import annotations

import hashlib
import re

_VALID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_DIGEST_CHARS = 12


def task_id(job_id: str) -> str:
    """Return the task id for the id of a queue's job: the same where it is a valid one.

    Of another one, such as ``cron:cleanup``, the valid characters are kept, shortened, and followed by 12 digits of its
    SHA-256: every process derives the same task id.

    >>> task_id("9f1c2d")
    '9f1c2d'
    >>> task_id("cron:cleanup")
    'cron-cleanup-d5cd73ee4591'
    """
    if _VALID.fullmatch(job_id):
        return job_id
    digest = hashlib.sha256(job_id.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]
    return f"{_OTHER.sub('-', job_id)[: 63 - _DIGEST_CHARS]}-{digest}"
