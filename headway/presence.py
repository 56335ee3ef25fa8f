"""How long the starter of a task may be absent: times that streamers and processors share."""

from __future__ import annotations

PRESENCE_SECONDS = 5.0
"""Interval of presence beats from the streamer that holds the starter's stream."""
LONGEST_RETRY_SECONDS = 9.0
"""Longest `retry:` that a streamer sends: a starter that was asked to reconnect is absent for this long."""
MIN_GRACE_SECONDS = PRESENCE_SECONDS + LONGEST_RETRY_SECONDS
"""The grace must exceed this, or tasks of starters that obey a `retry:` would be cancelled."""
