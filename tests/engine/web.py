"""A web of files in memory, as `net.webseed.RangeReader` sees it, under virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.webseed import FileNotThereError, FileRange

CHUNK = 10_000


class MemoryWeb:
    """Files by URL. What was asked of it is in `asked`."""

    def __init__(self, *, round_trip: float = 0.05, rate: float = 1_000_000) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[FileRange] = []
        self.policies: set[Policy] = set()
        self.failures: list[NetError] = []
        """Raised one after the other, before anything is read."""
        self.under_way = 0
        self.most_under_way = 0
        self._round_trip = round_trip
        self._rate = rate

    async def read(self, part: FileRange, policy: Policy, take: Callable[[bytes], None]) -> None:
        self.asked.append(part)
        self.policies.add(policy)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self._round_trip)
            if self.failures:
                raise self.failures.pop(0)
            if part.url not in self.files:
                raise FileNotThereError("it answered 404")
            data = self.files[part.url][part.offset : part.offset + part.length]
            assert len(data) == part.length
            for start in range(0, len(data), CHUNK):
                chunk = data[start : start + CHUNK]
                await asyncio.sleep(len(chunk) / self._rate)
                take(chunk)
        finally:
            self.under_way -= 1
