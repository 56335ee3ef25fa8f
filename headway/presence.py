"""The times that bound how long the starter of a task may be absent: what streamers and processors agree on."""

from __future__ import annotations

PRESENCE_SECONDS = 5.0
"""Between two presence beats of a streamer that holds the starter's stream."""
LONGEST_RETRY_SECONDS = 9.0
"""The longest `retry:` that a streamer sends: a starter that was asked to come back is absent for this long."""
MIN_GRACE_SECONDS = PRESENCE_SECONDS + LONGEST_RETRY_SECONDS
"""A grace must exceed this, or it would cancel tasks of starters that do as they were asked."""
