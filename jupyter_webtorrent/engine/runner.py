"""One session after another in one event loop: settings that need new sockets begin it anew, and calls wait.

The torrents go on from what the session remembers. Threads are `host`'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from jupyter_webtorrent.engine.changes import AT_ONCE, changed_settings, follow_goals
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.storage.errors import StorageError

T = TypeVar("T")


class SessionRunner:
    """`start` first; `aclose` last. `make` gets the settings, and the port to try if any will do."""

    def __init__(
        self, config: EngineConfig, make: Callable[[EngineConfig, int], Session] | None = None
    ) -> None:
        self._make = make or (lambda config, port: Session(config, port=port))
        self.session = self._make(config, 0)
        self._is_up = asyncio.Event()
        self._configuring = asyncio.Lock()
        self._short: set[asyncio.Task[Any]] = set()
        """Calls that a session is not ended amid."""
        self._long: set[asyncio.Task[Any]] = set()
        """Calls that are made again, should it end before them."""

    @property
    def is_up(self) -> bool:
        return self._is_up.is_set()

    async def start(self) -> None:
        await self.session.__aenter__()
        self._is_up.set()

    async def aclose(self) -> None:
        async with self._configuring:
            await self.session.aclose()

    async def call(
        self, call: Callable[[Session], Coroutine[Any, Any, T]], *, may_take_long: bool = False
    ) -> T:
        """Call a session that is up; `may_take_long`: what a change of settings cannot wait for."""
        calls = self._long if may_take_long else self._short
        while True:
            await self._is_up.wait()
            task = asyncio.create_task(call(self.session))
            calls.add(task)
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                task.cancel()
                await asyncio.wait([task])
                raise
            finally:
                calls.discard(task)
            if not task.cancelled():
                return task.result()
            if self.is_up:
                raise asyncio.CancelledError

    async def configure(self, config: EngineConfig) -> None:
        """Go on with these settings; raises WebTorrentError, and nothing has changed then."""
        async with self._configuring:
            before = self.session.config
            anew = changed_settings(before, config) - AT_ONCE
            if not anew:
                self.session.configure(config)
                return
            if "state_folder" in anew:
                raise EngineError("the state folder cannot be changed while the engine runs")
            await self._require_port(before, config)
            await self._begin_anew(before, config, anew)

    async def _require_port(self, before: EngineConfig, after: EngineConfig) -> None:
        """Raise NetError if a port that is to be listened on is taken."""
        where = {"listen_host", "listen_port", "transports"}
        if after.listen_elsewhere or "tcp" not in after.transports:
            return
        if changed_settings(before, after) & where:
            await self.session.require_free(PeerAddress(after.listen_host, after.listen_port))

    async def _begin_anew(
        self, before: EngineConfig, after: EngineConfig, changed: set[str]
    ) -> None:
        """End the session, and let another one go on; with the old settings if it cannot listen."""
        self._is_up.clear()
        try:
            if self._short:
                await asyncio.wait(self._short)
            await self._require_memory(changed)
            for task in self._long:
                task.cancel()
            if self._long:
                await asyncio.wait(self._long)
            listening = self.session.listening
            port = 0 if listening is None else listening.port
            await self._replace(after, port)
            follow_goals(before, after, self.session.torrents.values())
            if listening is not None and "tcp" in after.transports:
                await self._listen_or_go_back(before, after, port)
        finally:
            self._is_up.set()

    async def _require_memory(self, changed: set[str]) -> None:
        """Raise EngineError if the next session would not know the transfers."""
        try:
            await self.session.save()
        except StorageError as error:
            raise EngineError(
                f"{', '.join(sorted(changed))}: not while there are transfers,"
                f" for nothing remembers them ({error})"
            ) from error

    async def _listen_or_go_back(
        self, before: EngineConfig, after: EngineConfig, port: int
    ) -> None:
        try:
            await self.session.listen()
        except NetError:
            await self._replace(before, port)
            follow_goals(after, before, self.session.torrents.values())
            raise

    async def _replace(self, config: EngineConfig, port: int) -> None:
        before, after = self.session, self._make(config, port)
        after.go_on_from(before)
        await before.aclose()
        self.session = after
        await after.__aenter__()
