"""Doubles in memory that obey the rules of the real ones, for unit tests.

>>> log = MemoryLog()
>>> job = start_job(log, "t1")     # inside a running event loop
"""

from headway.testing.jobs import StartedJob, progress, start_job
from headway.testing.log import MemoryLog, MemorySubscription
from headway.testing.stores import (
    MemoryBucket,
    MemoryCheckpoints,
    MemoryDeadLetterStream,
    MemoryDeletions,
    MemoryFiles,
    MemoryJobQueue,
    MemoryResults,
)

__all__ = [
    "MemoryBucket",
    "MemoryCheckpoints",
    "MemoryDeadLetterStream",
    "MemoryDeletions",
    "MemoryFiles",
    "MemoryJobQueue",
    "MemoryLog",
    "MemoryResults",
    "MemorySubscription",
    "StartedJob",
    "progress",
    "start_job",
]
