"""Runs a Session in a thread and an event loop of its own, so that a transfer never blocks its host."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import closing
from typing import Any, TypeVar

from msgspec import UNSET

from jupyter_webtorrent.engine import status
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.loop import new_event_loop
from jupyter_webtorrent.engine.runner import SessionRunner
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.stream import LOOK_AHEAD_BYTES, FileStream
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FilePriority,
    SessionStatus,
    ShareRequest,
    TransferChange,
    TransferDetails,
    TransferEvent,
    TransferStatus,
)

T = TypeVar("T")

EVENT_SECONDS = 1.0


class HostStream:
    """A `FileStream` for other threads. Cancelling a future withdraws its urgency."""

    def __init__(self, host: EngineHost, stream: FileStream) -> None:
        self._host = host
        self._stream = stream

    def length(self) -> Future[int]:
        """Bytes of the file, once the metadata is known."""
        return self._host._submit_at_once(self._stream.length)

    def seek(self, offset: int, *, ahead: int = LOOK_AHEAD_BYTES) -> Future[None]:
        """Say where the next read will be."""
        return self._host._submit_at_once(lambda: self._stream.seek(offset, ahead=ahead))

    def read(self, offset: int, length: int, *, ahead: int = LOOK_AHEAD_BYTES) -> Future[bytes]:
        """Up to `length` verified bytes at `offset`, less at the end of the file or past MAX_READ_BYTES.

        The `ahead` bytes behind them are fetched next: fewer, where it is known that fewer will be read.
        """
        return self._host._submit_at_once(lambda: self._stream.read(offset, length, ahead=ahead))

    def close(self) -> Future[None]:
        """End every read; closing it again changes nothing."""

        async def close() -> None:
            self._stream.close()

        return self._host._submit_at_once(close)


class EngineHost:
    """A Session behind thread-safe calls; only `schema` values cross.

    Every future fails with a WebTorrentError for what a person can mend. The thread starts with the first
    call; `close` may be called from any thread, any number of times.
    """

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: SessionRunner | None = None
        self._stop: asyncio.Event | None = None
        self._closed = False
        self._listeners: dict[object, Callable[[TransferEvent], None]] = {}
        self._told: dict[str, TransferStatus] = {}

    def share(self, request: ShareRequest) -> Future[TransferStatus]:
        """Hash the paths and seed them; done when the magnet link is known."""

        async def share(session: Session) -> TransferStatus:
            return session.transfer(await session.share(request))

        return self._submit(share, may_take_long=True)

    def fetch(self, request: FetchRequest) -> Future[TransferStatus]:
        """Begin a fetch; done as soon as it has begun, not when it is complete."""

        async def fetch() -> TransferStatus:
            assert self._runner is not None
            # A server that is slow to give a .torrent file keeps no change of settings waiting.
            source = await self._runner.call(
                lambda session: session.source(request), may_take_long=True
            )

            async def begin(session: Session) -> TransferStatus:
                return session.transfer(await session.fetch(request, source))

            return await self._runner.call(begin)

        return self._submit_at_once(fetch)

    def transfers(self) -> Future[list[TransferStatus]]:
        async def transfers(session: Session) -> list[TransferStatus]:
            return session.transfers()

        return self._submit(transfers)

    def details(self, info_hash: str) -> Future[TransferDetails]:
        async def details(session: Session) -> TransferDetails:
            return session.details(session.torrent(InfoHash.from_text(info_hash)))

        return self._submit(details)

    def metainfo(self, info_hash: str) -> Future[bytes]:
        """The .torrent file of a transfer whose metadata is known."""

        async def metainfo(session: Session) -> bytes:
            return status.metainfo(session.torrent(InfoHash.from_text(info_hash)))

        return self._submit(metainfo)

    def set_priorities(
        self, info_hash: str, priorities: Mapping[int, FilePriority]
    ) -> Future[TransferDetails]:
        """Change how much some files, by index, are wanted; those not named stay as they are."""

        async def set_priorities(session: Session) -> TransferDetails:
            key = InfoHash.from_text(info_hash)
            return session.details(await session.set_priorities(key, dict(priorities)))

        return self._submit(set_priorities)

    def change(self, info_hash: str, change: TransferChange) -> Future[TransferDetails]:
        """Change priorities and limits of one transfer."""

        async def apply(session: Session) -> TransferDetails:
            key = InfoHash.from_text(info_hash)
            torrent = session.torrent(key)
            if change.priorities:
                torrent = await session.set_priorities(key, change.priorities)
            limits = torrent.peering.limits
            down = limits.down if change.down_limit is UNSET else change.down_limit
            up = limits.up if change.up_limit is UNSET else change.up_limit
            if (down, up) != (limits.down, limits.up):
                session.set_limits(key, down, up)
            return session.details(torrent)

        return self._submit(apply)

    def open_stream(self, info_hash: str, file: int | str) -> Future[HostStream]:
        """A reader of a file, by its index or its path in the torrent; close it when done."""

        async def open_stream(session: Session) -> HostStream:
            return HostStream(self, session.open_stream(InfoHash.from_text(info_hash), file))

        return self._submit(open_stream)

    def read(self, info_hash: str, file: int | str, offset: int, length: int) -> Future[bytes]:
        """One read, as of a stream that is opened and closed for it; cancel the future to give up.

        Nothing beyond it is fetched ahead.
        """

        async def read(session: Session) -> bytes:
            with closing(session.open_stream(InfoHash.from_text(info_hash), file)) as stream:
                return await stream.read(offset, length, ahead=0)

        return self._submit(read, may_take_long=True)

    def remove(
        self, info_hash: str, *, delete_data: bool = False, only_on_demand: bool = False
    ) -> Future[None]:
        """Forget a transfer; a part file stays for a later fetch unless `delete_data`.

        Shared originals are never deleted. With `only_on_demand` what somebody made a download of, or reads
        or has read of, stays, and the future fails.
        """

        async def remove(session: Session) -> None:
            key = InfoHash.from_text(info_hash)
            await session.remove(key, delete_data=delete_data, only_on_demand=only_on_demand)
            self._told.pop(str(key), None)
            self._tell_all([], [str(key)], session)

        return self._submit(remove)

    def pause(self, info_hash: str) -> Future[TransferStatus]:
        """Stop all traffic of a transfer; done when it has stopped."""

        async def pause(session: Session) -> TransferStatus:
            key = InfoHash.from_text(info_hash)
            await session.pause(key)
            return session.transfer(session.torrent(key))

        return self._submit(pause)

    def resume(self, info_hash: str) -> Future[TransferStatus]:
        """Let a paused transfer go on."""

        async def resume(session: Session) -> TransferStatus:
            key = InfoHash.from_text(info_hash)
            await session.resume(key)
            return session.transfer(session.torrent(key))

        return self._submit(resume)

    def set_limits(self, info_hash: str | None, down: int | None, up: int | None) -> Future[None]:
        """Limit one transfer, or with None all together, to so many bytes a second; None: no limit."""

        async def set_limits(session: Session) -> None:
            key = None if info_hash is None else InfoHash.from_text(info_hash)
            session.set_limits(key, down, up)

        return self._submit(set_limits)

    def status(self) -> Future[SessionStatus]:
        async def status(session: Session) -> SessionStatus:
            return session.status()

        return self._submit(status)

    def configure(self, config: EngineConfig) -> Future[None]:
        """Go on with these settings; done when they hold. If it fails, nothing has changed.

        What needs new sockets closes them: transfers go on from the state folder, calls wait meanwhile, and
        readers that are open end with an EngineError.
        """
        with self._lock:
            if self._thread is None and not self._closed:
                self._config = config
                done: Future[None] = Future()
                done.set_result(None)
                return done

        async def configure() -> None:
            assert self._runner is not None
            await self._runner.configure(config)

        return self._submit_at_once(configure)

    def subscribe(self, listener: Callable[[TransferEvent], None]) -> Callable[[], None]:
        """Call `listener`, in the engine's thread: all transfers now, then changes each second.

        Returns the function that ends it.
        """
        key = object()

        async def subscribe(session: Session) -> None:
            self._listeners[key] = listener
            self._tell(listener, session.transfers(), [], session)

        def unsubscribe() -> None:
            loop = self._loop
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self._listeners.pop, key, None)

        self._submit(subscribe)
        return unsubscribe

    def close(self) -> None:
        """Stop everything; returns when the thread has ended."""
        with self._lock:
            self._closed = True
            thread, loop, stop = self._thread, self._loop, self._stop
        if thread is None or loop is None or stop is None:
            return
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        if thread is not threading.current_thread():
            thread.join()

    def _submit(
        self, call: Callable[[Session], Coroutine[Any, Any, T]], *, may_take_long: bool = False
    ) -> Future[T]:
        """Call the session once it is up."""

        async def submitted() -> T:
            assert self._runner is not None
            return await self._runner.call(call, may_take_long=may_take_long)

        return self._submit_at_once(submitted)

    def _submit_at_once(self, call: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        with self._lock:
            if self._closed:
                refused: Future[T] = Future()
                refused.set_exception(EngineError("the engine has stopped"))
                return refused
            if self._thread is None:
                self._start()
            assert self._loop is not None
            return asyncio.run_coroutine_threadsafe(call(), self._loop)

    def _start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name="webtorrent-engine", daemon=True
        )
        self._thread.start()
        ready.wait()

    def _run(self, ready: threading.Event) -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self._main(ready))

    async def _main(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        runner = self._runner = SessionRunner(self._config)
        ready.set()  # what comes before the session is up waits for it
        await runner.start()
        telling = asyncio.create_task(self._tell_often(runner))
        try:
            await self._stop.wait()
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        finally:
            await runner.aclose()

    async def _tell_often(self, runner: SessionRunner) -> None:
        while True:
            await asyncio.sleep(EVENT_SECONDS)
            if not self._listeners or not runner.is_up:
                continue
            session = runner.session
            now = {transfer.info_hash: transfer for transfer in session.transfers()}
            changed = [new for key, new in now.items() if self._told.get(key) != new]
            removed = [key for key in self._told if key not in now]
            self._told = now
            if changed or removed:
                self._tell_all(changed, removed, session)

    def _tell_all(
        self, changed: list[TransferStatus], removed: list[str], session: Session
    ) -> None:
        for listener in list(self._listeners.values()):
            self._tell(listener, changed, removed, session)

    def _tell(
        self,
        listener: Callable[[TransferEvent], None],
        changed: list[TransferStatus],
        removed: list[str],
        session: Session,
    ) -> None:
        now = session.status()
        listener(TransferEvent(changed, removed, now.down_rate, now.up_rate))
