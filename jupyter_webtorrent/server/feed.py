"""The transfers as Jupyter's loop knows them, and their fan-out to whoever listens.

The engine reports in its own thread; everything here but `TransferFeed.report` runs on Jupyter's loop. The
sockets that send events on are the handlers' business.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from jupyter_webtorrent.schema.transfers import TransferEvent, TransferState, TransferStatus

Watcher = Callable[[TransferStatus | None, TransferStatus], None]
"""Told what a transfer was (None: unknown until now) and what it has become."""


class Subscription:
    """What one listener has yet to be told.

    Events that it is too slow for are merged, so that it costs one entry a transfer and always gets the newest.
    """

    def __init__(self) -> None:
        self._changed: dict[str, TransferStatus] = {}
        self._removed: set[str] = set()
        self._rates = (0.0, 0.0)
        self._ready = asyncio.Event()

    def put(self, event: TransferEvent) -> None:
        for info_hash in event.removed:
            self._changed.pop(info_hash, None)
            self._removed.add(info_hash)
        for status in event.transfers:
            self._changed[status.info_hash] = status
            self._removed.discard(status.info_hash)
        self._rates = (event.down_rate, event.up_rate)
        self._ready.set()

    async def get(self) -> TransferEvent:
        """Wait for news and take all of it."""
        await self._ready.wait()
        self._ready.clear()
        changed, self._changed = self._changed, {}
        removed, self._removed = self._removed, set()
        down_rate, up_rate = self._rates
        return TransferEvent(
            transfers=list(changed.values()),
            removed=sorted(removed),
            down_rate=down_rate,
            up_rate=up_rate,
        )


class TransferFeed:
    """All transfers, as of the engine's last report."""

    def __init__(self, loop: asyncio.AbstractEventLoop, watcher: Watcher) -> None:
        self._loop = loop
        self._watcher = watcher
        self._transfers: dict[str, TransferStatus] = {}
        self._is_told = False
        """Whether the engine has reported at all: it does once it has taken up what earlier sessions left."""
        self._rates = (0.0, 0.0)
        self._subscriptions: set[Subscription] = set()

    def report(self, event: TransferEvent) -> None:
        """Take an event from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._apply, event)

    @contextlib.contextmanager
    def subscription(self) -> Iterator[Subscription]:
        """A Subscription that begins with every transfer as it is now, or as it is first told of."""
        subscription = Subscription()
        if self._is_told:
            down_rate, up_rate = self._rates
            subscription.put(
                TransferEvent(list(self._transfers.values()), down_rate=down_rate, up_rate=up_rate)
            )
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def count(self, *states: TransferState) -> int:
        """How many transfers are in one of these states."""
        return sum(status.state in states for status in self._transfers.values())

    def _apply(self, event: TransferEvent) -> None:
        for info_hash in event.removed:
            self._transfers.pop(info_hash, None)
        for status in event.transfers:
            before = self._transfers.get(status.info_hash)
            self._transfers[status.info_hash] = status
            self._watcher(before, status)
        self._rates = (event.down_rate, event.up_rate)
        is_first, self._is_told = not self._is_told, True
        if is_first or event.transfers or event.removed:
            for subscription in self._subscriptions:
                subscription.put(event)
