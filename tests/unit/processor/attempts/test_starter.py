"""Whether a starter counts as gone: by virtual time, on a log in memory."""

import asyncio

import pytest

from headway import codec, presence
from headway.errors import SettingsError
from headway.events import Beat
from headway.service.settings import load
from headway.testing import MemoryLog
from headway_processor.attempts.starter import Grace, Starter
from headway_processor.settings import PREFIX, Settings

GRACE = 30.0
PRESENT = codec.encode_json(Beat(task="t1", presence=True))
virtual_time = pytest.mark.looptime


class Listening:
    """A starter that is listened to, and when it was found to be gone."""

    def __init__(self):
        self.log = MemoryLog()
        self.connected = True
        self.on_reconnect = []
        self.gone_at = None

    async def __aenter__(self):
        self._began = asyncio.get_running_loop().time()
        self.starter = Starter(self.log, "t1", GRACE, connected=lambda: self.connected, on_reconnect=self.on_reconnect)
        await self.starter.__aenter__()
        self._waiting = asyncio.create_task(self._wait())
        return self

    async def __aexit__(self, *error):
        self._waiting.cancel()
        await self.starter.__aexit__(*error)

    async def _wait(self):
        await self.starter.gone()
        self.gone_at = self.now

    @property
    def now(self):
        return asyncio.get_running_loop().time() - self._began

    async def at(self, seconds):
        await asyncio.sleep(seconds - self.now)

    async def beats(self, *times):
        for seconds in times:
            await self.at(seconds)
            await self.log.beat("t1", PRESENT)


@pytest.mark.parametrize(
    ("seen", "now", "left"),
    [((), 0, 30), ((), 29, 1), ((), 30, 0), ((5,), 30, 5), ((5, 34), 60, 4), ((5, 34), 65, -1)],
)
def test_the_grace_runs_from_the_last_presence(seen, now, left):
    grace = Grace(GRACE, 0.0)
    for at in seen:
        grace.restart(at)
    assert grace.left(now) == left


@virtual_time
async def test_a_starter_that_was_never_heard_is_gone_after_the_grace():
    async with Listening() as listening:
        await listening.at(60)
        assert listening.gone_at == pytest.approx(30, abs=0.1)


@virtual_time
async def test_a_starter_is_gone_a_grace_after_its_last_presence():
    async with Listening() as listening:
        await listening.beats(5, 10, 15)
        await listening.at(100)
        assert listening.gone_at == pytest.approx(45, abs=0.1)


@virtual_time
async def test_a_starter_that_comes_and_goes_within_the_grace_is_never_gone():
    async with Listening() as listening:
        await listening.beats(0.5, 1, 28, 57, 58, 80, 109.5, 139)
        await listening.at(168)
        assert listening.gone_at is None


@virtual_time
@pytest.mark.parametrize(
    "payload", [b"", b"junk", codec.encode_json(Beat(task="t1", attempt=1))], ids=["empty", "junk", "task beat"]
)
async def test_only_a_presence_beat_counts(payload):
    async with Listening() as listening:
        for seconds in range(5, 30, 5):
            await listening.at(seconds)
            await listening.log.beat("t1", payload)
        await listening.at(31)
        assert listening.gone_at == pytest.approx(30, abs=0.1)
        assert not listening.starter.heard.is_set()


@virtual_time
async def test_the_grace_does_not_run_while_nats_is_not_connected():
    async with Listening() as listening:
        await listening.beats(5)
        listening.connected = False
        listening.log.away = True
        await listening.at(500)
        assert listening.gone_at is None
        listening.connected, listening.log.away = True, False
        for restart in listening.on_reconnect:
            restart()
        await listening.at(529)
        assert listening.gone_at is None
        await listening.at(531)
        assert listening.gone_at == pytest.approx(530, abs=0.1)


@virtual_time
async def test_a_connection_that_is_lost_unnoticed_does_not_count_as_absence():
    """The client notices a cut cable only after two pings, 20 to 30 s."""
    async with Listening() as listening:
        listening.log.away = True
        await listening.at(45)
        assert listening.gone_at is None
        listening.log.away = False
        await listening.at(59)
        assert listening.gone_at is None
        await listening.at(61)
        assert listening.gone_at == pytest.approx(60, abs=0.1)


@virtual_time
async def test_nothing_is_left_behind():
    async with Listening() as listening:
        assert (listening.log.beat_subscribers("t1"), len(listening.on_reconnect)) == (1, 1)
    assert (listening.log.beat_subscribers("t1"), len(listening.on_reconnect)) == (0, 0)


@pytest.mark.parametrize("seconds", ["1", "14"])
def test_a_grace_shorter_than_a_normal_absence_is_refused(seconds):
    with pytest.raises(SettingsError, match="HEADWAY_PROCESSOR_STARTER_GRACE_SECONDS must be above 14"):
        load(Settings, PREFIX, {f"{PREFIX}STARTER_GRACE_SECONDS": seconds})
    assert load(Settings, PREFIX, {f"{PREFIX}STARTER_GRACE_SECONDS": "14.1"}).starter_grace_seconds == 14.1


def test_the_least_grace_outlasts_a_retry_and_the_next_presence():
    assert presence.MIN_GRACE_SECONDS >= presence.LONGEST_RETRY_SECONDS + presence.PRESENCE_SECONDS
