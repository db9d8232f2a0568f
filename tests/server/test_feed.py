from __future__ import annotations

import asyncio

from jupyter_webtorrent.schema.transfers import TransferEvent, TransferState, TransferStatus
from jupyter_webtorrent.server.feed import Subscription, TransferFeed


def status(letter: str, state: TransferState, done: int = 0) -> TransferStatus:
    return TransferStatus(letter * 40, letter, state, "magnet:?", total=10, done=done)


def ignore(before: TransferStatus | None, now: TransferStatus) -> None:
    pass


async def test_a_slow_listener_gets_the_newest_of_each_transfer_once() -> None:
    subscription = Subscription()
    for done in range(10):
        subscription.put(TransferEvent([status("a", TransferState.DOWNLOADING, done)]))
    subscription.put(TransferEvent([status("b", TransferState.SEEDING)], down_rate=7.0))
    event = await subscription.get()
    assert [(each.name, each.done) for each in event.transfers] == [("a", 9), ("b", 0)]
    assert event.down_rate == 7.0


async def test_a_transfer_that_went_and_came_back_is_not_told_as_gone() -> None:
    subscription = Subscription()
    subscription.put(TransferEvent([status("a", TransferState.SEEDING)]))
    subscription.put(TransferEvent([], removed=["a" * 40]))
    assert await subscription.get() == TransferEvent([], removed=["a" * 40])
    subscription.put(TransferEvent([], removed=["a" * 40]))
    subscription.put(TransferEvent([status("a", TransferState.CHECKING)]))
    event = await subscription.get()
    assert event.removed == []
    assert [each.state for each in event.transfers] == [TransferState.CHECKING]


async def test_a_subscription_begins_with_everything_and_goes_on_with_changes() -> None:
    feed = TransferFeed(asyncio.get_running_loop(), ignore)
    await asyncio.to_thread(feed.report, TransferEvent([status("a", TransferState.SEEDING)]))
    await asyncio.to_thread(feed.report, TransferEvent([status("b", TransferState.METADATA)]))
    with feed.subscription() as subscription:
        first = await subscription.get()
        assert [each.name for each in first.transfers] == ["a", "b"]
        await asyncio.to_thread(feed.report, TransferEvent([], removed=["b" * 40]))
        assert await subscription.get() == TransferEvent([], removed=["b" * 40])
    assert feed.count(TransferState.SEEDING) == 1
    assert feed.count(TransferState.METADATA) == 0


async def test_nobody_is_told_that_there_is_nothing_before_the_engine_has_said_so() -> None:
    feed = TransferFeed(asyncio.get_running_loop(), ignore)
    with feed.subscription() as early, feed.subscription() as earlier:
        first = asyncio.create_task(early.get())
        await asyncio.sleep(0)
        assert not first.done()
        await asyncio.to_thread(feed.report, TransferEvent([status("a", TransferState.SEEDING)]))
        assert [each.name for each in (await first).transfers] == ["a"]
        assert [each.name for each in (await earlier.get()).transfers] == ["a"]


async def test_an_engine_that_has_nothing_says_so_once() -> None:
    feed = TransferFeed(asyncio.get_running_loop(), ignore)
    with feed.subscription() as subscription:
        await asyncio.to_thread(feed.report, TransferEvent([]))
        assert await subscription.get() == TransferEvent([])
        await asyncio.to_thread(feed.report, TransferEvent([]))
        again = asyncio.create_task(subscription.get())
        await asyncio.sleep(0)
        assert not again.done()
        again.cancel()


async def test_a_watcher_sees_what_each_transfer_was_and_is() -> None:
    seen: list[tuple[TransferState | None, TransferState]] = []

    def watch(before: TransferStatus | None, now: TransferStatus) -> None:
        seen.append((None if before is None else before.state, now.state))

    feed = TransferFeed(asyncio.get_running_loop(), watch)
    with feed.subscription() as subscription:
        for state in (TransferState.METADATA, TransferState.SEEDING):
            feed.report(TransferEvent([status("a", state)]))
            await subscription.get()
    assert seen == [
        (None, TransferState.METADATA),
        (TransferState.METADATA, TransferState.SEEDING),
    ]


def test_a_report_after_the_loop_has_ended_is_dropped() -> None:
    loop = asyncio.new_event_loop()
    feed = TransferFeed(loop, ignore)
    loop.close()
    feed.report(TransferEvent([status("a", TransferState.SEEDING)]))
    assert feed.count(TransferState.SEEDING) == 0
