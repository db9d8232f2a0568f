"""When a torrent has been seeded enough."""

from __future__ import annotations

import asyncio
from typing import Protocol

CHECK_SECONDS = 1.0


class SeededTorrent(Protocol):
    """The torrent, as far as its goal knows it."""

    @property
    def is_seeding(self) -> bool: ...

    @property
    def uploaded(self) -> int:
        """Block bytes, with those of earlier sessions."""

    @property
    def wanted_bytes(self) -> int:
        """What was fetched, or is shared."""


class SeedingGoal:
    """A ratio and a time, either of which ends the seeding. Once only: who resumes it then wants no end."""

    def __init__(
        self,
        ratio: float | None = None,
        seconds: float | None = None,
        *,
        seeded: float = 0.0,
        is_met: bool = False,
    ) -> None:
        """`seeded` and `is_met` are as an earlier session left them."""
        self.is_met = is_met
        self.seeded = seeded
        """Seconds, without those of pauses."""
        self._sent = 0
        """Bytes, as of the last look: they have left by now, and are not lost when connections close."""
        self._given = asyncio.Event()
        self.ratio, self.seconds = ratio, seconds
        if not is_met:
            self.set(ratio, seconds)

    def set(self, ratio: float | None, seconds: float | None) -> None:
        """`ratio` is bytes sent over bytes fetched or shared; None: no such goal."""
        self.ratio, self.seconds = ratio, seconds
        if ratio is None and seconds is None:
            self._given.clear()
        else:
            self.is_met = False
            self._given.set()

    async def reached(self, torrent: SeededTorrent) -> str:
        """Wait until the torrent has been seeded enough; returns how much that was, in one line."""
        while True:
            await self._given.wait()
            await asyncio.sleep(CHECK_SECONDS)
            if not torrent.is_seeding:
                continue
            self.seeded += CHECK_SECONDS
            met = self._met(torrent.wanted_bytes)
            self._sent = torrent.uploaded
            if met:
                self._given.clear()
                self.is_met = True
                return met

    def _met(self, size: int) -> str:
        if self.ratio is not None and self._sent >= self.ratio * size:
            return f"seeded to a ratio of {self.ratio:g}"
        if self.seconds is not None and self.seeded >= self.seconds:
            return f"seeded for {self.seconds:g} s"
        return ""
