"""SIGINT and SIGTERM as an event to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set."""
    stopped = asyncio.Event()
    running = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        running.call_soon_threadsafe(stopped.set)

    previous = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield stopped
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
