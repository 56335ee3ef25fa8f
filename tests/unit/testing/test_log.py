"""The log in memory obeys the rules of the real one."""

import pytest

from headway import codec
from headway.errors import ConflictError, EventTooLargeError, InvalidNameError, StoreFullError, UnavailableError
from headway.eventlog.log import Ack, Live
from headway.events import Progress
from headway.testing import MemoryLog, progress


async def filled(*tasks: str, **options) -> MemoryLog:
    """A log with one message for each of `tasks`, its number as payload and message id."""
    log = MemoryLog(**options)
    for seq, task in enumerate(tasks, 1):
        last = await log.last(task)
        await log.put(task, b"%d" % seq, expected=last.seq if last else 0, msg_id=f"id{seq}")
    return log


async def test_all_tasks_share_one_sequence():
    log = await filled("a", "b", "a")
    assert [(stored.seq, stored.task) for stored in await log.read("a")] == [(1, "a"), (3, "a")]
    assert [stored.seq for stored in await log.read("b")] == [2]


@pytest.mark.parametrize("expected", [0, 2, 4])
async def test_an_append_that_expects_another_end_is_refused(expected):
    log = await filled("a", "b", "a")
    with pytest.raises(ConflictError) as caught:
        await log.put("a", b"x", expected=expected, msg_id="x")
    assert (caught.value.task, caught.value.expected) == ("a", expected)
    assert (await log.last("a")).payload == b"3"


async def test_a_message_id_is_stored_once():
    log = await filled("a")
    assert await log.put("a", b"x", expected=1, msg_id="id1") == Ack(1, duplicate=True)
    assert len(await log.read("a")) == 1


async def test_the_last_one_carries_its_message_id():
    log = await filled("a", "a")
    last = await log.last("a")
    assert (last.seq, last.payload, last.msg_id, last.task) == (2, b"2", "id2", "a")
    assert await log.last("b") is None


async def test_the_last_ones_of_many_tasks_are_returned_with_how_far_that_holds():
    log = await filled("a", "b", "a", "c")
    found, up_to = await log.lasts(["a", "b", "absent"], after=2)
    assert [stored.seq for stored in found] == [3]
    assert up_to == 4
    assert await log.lasts([]) == ([], 4)


async def test_a_read_starts_anywhere_and_ends_at_its_limit():
    log = await filled(*"aaaaa")
    assert [stored.seq for stored in await log.read("a", 2, limit=2)] == [2, 3]
    assert await log.read("a", 6) == []
    assert await log.read("b") == []


async def test_a_trimmed_log_keeps_the_newest():
    log = await filled(*"aaaaa", max_per_task=2)
    assert [stored.seq for stored in await log.read("a")] == [4, 5]


async def test_what_is_stored_is_published_with_what_came_before_it():
    log = await filled("a")
    published = []
    await log.subscribe("a", lambda *live: published.append(Live(*live)))
    await log.put("b", b"not for you", expected=0, msg_id="x")
    await log.put("a", b"y", expected=1, msg_id="y")
    assert published == [(3, 1, b"y")]


async def test_what_was_refused_or_doubled_is_not_published():
    log = await filled("a")
    published = []
    await log.subscribe("a", lambda *live: published.append(Live(*live)))
    await log.put("a", b"1", expected=1, msg_id="id1")
    with pytest.raises(ConflictError):
        await log.put("a", b"x", expected=0, msg_id="x")
    assert published == []


async def test_a_closed_subscription_receives_nothing():
    log = MemoryLog()
    one, other = [], []
    first = await log.subscribe("a", lambda *live: one.append(Live(*live)))
    await log.subscribe("a", lambda *live: other.append(Live(*live)))
    assert log.subscribers("a") == 2
    await first.close()
    await first.close()
    await log.put("a", b"x", expected=0, msg_id="x")
    assert (len(one), len(other), log.subscribers("a")) == (0, 1, 1)


async def test_a_beat_is_published_but_not_stored():
    log = await filled("a")
    published, beats = [], []
    await log.subscribe("a", lambda *live: published.append(Live(*live)))
    subscription = await log.subscribe_beats("a", beats.append)
    await log.beat("a", b"beat")
    assert (published, beats, len(await log.read("a"))) == ([], [b"beat"], 1)
    assert log.beat_subscribers("a") == 1
    await subscription.close()
    await log.beat("a", b"late")
    assert (beats, log.beat_subscribers("a")) == ([b"beat"], 0)


async def test_a_mute_log_stores_without_publishing():
    log = MemoryLog()
    published = []
    await log.subscribe("a", lambda *live: published.append(Live(*live)))
    log.mute = True
    await log.put("a", b"x", expected=0, msg_id="x")
    assert published == []
    assert (await log.last("a")).payload == b"x"


async def test_a_lost_acknowledgement_hides_that_the_append_was_stored():
    log = MemoryLog()
    log.lose_acks = 1
    with pytest.raises(UnavailableError):
        await log.put("a", b"x", expected=0, msg_id="x")
    assert (await log.last("a")).payload == b"x"
    assert (await log.put("a", b"y", expected=1, msg_id="y")).seq == 2


async def test_a_log_that_is_unreachable_answers_nothing():
    log = await filled("a")
    log.away = True
    for call in (
        log.put("a", b"x", expected=1, msg_id="x"),
        log.last("a"),
        log.lasts(["a"]),
        log.read("a"),
        log.subscribe("a", print),
        log.subscribe_beats("a", print),
        log.beat("a", b""),
    ):
        with pytest.raises(UnavailableError):
            await call
    log.away = False
    assert len(await log.read("a")) == 1


@pytest.mark.parametrize("name", ["", "a.b", "*", ">"])
async def test_a_name_that_cannot_stand_in_a_subject_is_refused(name):
    log = MemoryLog()
    for call in (
        log.put(name, b"", expected=0, msg_id="x"),
        log.last(name),
        log.read(name),
        log.subscribe(name, print),
    ):
        with pytest.raises(InvalidNameError):
            await call


async def test_events_are_decoded_and_malformed_ones_raise():
    log = MemoryLog()
    await log.put("a", codec.encode(progress(n=1, attempt=1)), expected=0, msg_id="x")
    assert isinstance(log.events("a")[0], Progress)
    await log.put("a", b"junk", expected=1, msg_id="y")
    with pytest.raises(codec.MalformedEventError):
        log.events("a")


async def test_a_full_log_refuses_appends_and_is_read_as_before():
    log = await filled("a")
    log.full = True
    with pytest.raises(StoreFullError):
        await log.put("a", b"x", expected=1, msg_id="x")
    assert [stored.payload for stored in await log.read("a")] == [b"1"]
    log.full = False
    assert (await log.put("a", b"x", expected=1, msg_id="x")).seq == 2


async def test_an_event_over_the_limit_is_refused_with_both_sizes():
    log = MemoryLog()
    log.limit_bytes = 10
    await log.put("a", b"x" * 10, expected=0, msg_id="x")
    with pytest.raises(EventTooLargeError) as caught:
        await log.put("a", b"x" * 11, expected=1, msg_id="y")
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (11, 10)


async def test_a_log_that_was_created_again_is_empty_and_keeps_its_subscriptions():
    log = await filled("a", "b")
    published = []
    await log.subscribe("a", lambda *live: published.append(Live(*live)))
    before = await log.incarnation()
    log.recreate()
    assert await log.incarnation() != before
    assert (await log.last("a"), await log.lasts(["a", "b"])) == (None, ([], 0))
    assert await log.put("a", b"x", expected=0, msg_id="id1") == Ack(1)
    assert published == [Live(1, 0, b"x")]


async def test_reads_are_counted_and_appends_are_not():
    log = await filled("a", "b")
    await log.read("a")
    await log.read("absent")
    assert log.reads == 2
