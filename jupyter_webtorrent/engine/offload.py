"""Where hashing and disk I/O run: in threads, or in tests under virtual time at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 4


class Offload(Protocol):
    """Runs a blocking call without blocking the loop; its errors come to the caller."""

    async def __call__(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    def close(self) -> None: ...


async def run_to_end(
    offload: Offload, stop: Event, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a long blocking call that heeds `stop`; who is cancelled meanwhile waits until it has ended."""
    running = asyncio.ensure_future(offload(function, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # whatever came of it, nobody wants it any more
        raise


async def to_the_end(work: Coroutine[None, None, None]) -> None:
    """Run to the end, also for a caller that is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class ThreadOffload:
    """A few threads of the session's own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="webtorrent-disk")

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def close(self) -> None:
        self._pool.shutdown(wait=True)


class InlineOffload:
    """No threads: for a loop whose time is virtual."""

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    def close(self) -> None:
        pass
