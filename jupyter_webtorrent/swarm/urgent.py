"""The pieces that readers of growing files wait for, or will soon: what to ask for before all else.

One `Readers` a torrent. Where a reader stands is the engine's business; whom to ask is the downloader's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from jupyter_webtorrent.protocol.bitfield import Bitfield


@dataclass(frozen=True, slots=True)
class Window:
    """What one reader needs."""

    waiting: range
    """Pieces that it waits for now."""
    ahead: range
    """Pieces that it will come to next."""
    since: float


class Readers:
    """The windows of all readers, merged: first what any of them waits for, then what comes next."""

    def __init__(self) -> None:
        self._windows: dict[object, Window] = {}
        self.order: dict[int, None] = {}
        """Every urgent piece that is still missing, the most urgent first."""
        self.waiting: dict[int, float] = {}
        """Those that are waited for, and since when."""

    def move(
        self, reader: object, waiting: range, ahead: range, missing: Bitfield, now: float
    ) -> None:
        """A reader is new, or stands elsewhere; `missing` holds the pieces that can still come."""
        self._windows[reader] = Window(waiting, ahead, now)
        self._merge(missing)

    def close(self, reader: object, missing: Bitfield) -> None:
        """The reader needs nothing any more."""
        if self._windows.pop(reader, None) is not None:
            self._merge(missing)

    def arrived(self, index: int) -> None:
        """The piece is there."""
        self.order.pop(index, None)
        self.waiting.pop(index, None)

    def _merge(self, missing: Bitfield) -> None:
        windows = self._windows.values()
        before, self.waiting, self.order = self.waiting, {}, {}
        for window in windows:
            for index in window.waiting:
                if index in missing:
                    self.waiting[index] = before.get(index, window.since)
        for kind in ([w.waiting for w in windows], [w.ahead for w in windows]):
            for group in zip_longest(
                *kind
            ):  # the first of each reader, then the second of each, ...
                self.order.update(
                    (index, None) for index in group if index is not None and index in missing
                )
