"""Task queues under test, for the question `jobs`: one worker process each, and a broker that writes to files.

`apps/` has a module per queue that submits jobs and runs them; both use that queue's own defaults, except that a worker
runs up to 100 jobs at once where it can.
"""

from bench.queues.queue import QUEUES, Queue

__all__ = ["QUEUES", "Queue"]
