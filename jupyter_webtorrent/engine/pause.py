"""Whether a torrent is to rest, and whether it does by now."""

from __future__ import annotations

import asyncio


class PauseSwitch:
    """Thrown by whoever pauses or resumes; the torrent's task waits at it."""

    def __init__(self) -> None:
        self.reason = ""
        """Why it rests, in one line, if nobody asked it to."""
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._paused = asyncio.Event()
        self._resting = asyncio.Event()

    @property
    def is_paused(self) -> bool:
        return self._paused.is_set()

    def pause(self, reason: str = "") -> None:
        """Takes effect as soon as the torrent's task runs; the first reason stays."""
        if not self.is_paused:
            self.reason = reason
            self._paused.set()
            self._resumed.clear()

    def resume(self) -> None:
        """Whoever waits for the rest that was to come waits no longer."""
        self.reason = ""
        self._resting.set()
        self._resting.clear()
        self._paused.clear()
        self._resumed.set()

    async def until_paused(self) -> None:
        await self._paused.wait()

    async def rest(self) -> None:
        """Nothing goes on any more; returns when it is to go on."""
        self.rests()
        await self._resumed.wait()

    def rests(self) -> None:
        """Nothing goes on any more, perhaps for good."""
        self._resting.set()

    async def until_resting(self) -> None:
        """Or until it is resumed."""
        await self._resting.wait()
