"""Whether all that is wanted of one torrent is in its place, and where that is; tells those who wait for it.

Putting it there is the torrent's business.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from jupyter_webtorrent.engine.errors import FetchFailedError


class Arrival:
    """May come about again, once more is wanted."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.at: float | None = None
        """By the clock of the loop; None: not yet, or not of all that is wanted by now."""
        self.paths: tuple[Path, ...] = ()
        """Where the finished top-level files and folders are, or the shared ones."""
        self.done = self._new_done()
        """The finished paths, or FetchFailedError; nobody need wait for it."""
        self._due = asyncio.Event()

    def mark_due(self) -> None:
        """Every wanted piece is here, and has yet to be put in its place."""
        self._due.set()

    async def until_due(self) -> None:
        """Wait for `mark_due`, once for all calls that came before."""
        await self._due.wait()
        self._due.clear()

    def came(self, paths: tuple[Path, ...]) -> None:
        self.paths = paths
        if self.at is None:
            self.at = self._loop.time()
        if not self.done.done():
            self.done.set_result(paths)

    def fails(self, reason: str) -> None:
        """Nobody waits in vain."""
        if not self.done.done():
            self.done.set_exception(FetchFailedError(reason))

    def more_is_wanted(self) -> None:
        if self.at is not None:
            self.at = None
            self.paths = ()
            self.done = self._new_done()

    async def wait(self) -> tuple[Path, ...]:
        """The finished top-level paths; raises FetchFailedError if it cannot go on."""
        return await asyncio.shield(self.done)

    def _new_done(self) -> asyncio.Future[tuple[Path, ...]]:
        done: asyncio.Future[tuple[Path, ...]] = self._loop.create_future()
        done.add_done_callback(lambda done: done.cancelled() or done.exception())
        return done
