"""Blocking calls that end when they are told to, before their caller does."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jupyter_webtorrent.engine.offload import ThreadOffload, run_to_end


async def test_who_is_cancelled_waits_until_the_call_has_ended() -> None:
    offload = ThreadOffload()
    stop, began, ended = threading.Event(), threading.Event(), threading.Event()

    def long_call() -> None:
        began.set()
        stop.wait(10)
        ended.set()
        raise OSError("nobody is told of this")

    waiting = asyncio.create_task(run_to_end(offload, stop, long_call))
    await asyncio.to_thread(began.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()
    offload.close()


async def test_a_call_that_is_left_alone_gives_its_result_or_error() -> None:
    offload = ThreadOffload()
    stop = threading.Event()
    assert await run_to_end(offload, stop, int, "7") == 7
    with pytest.raises(ValueError, match="seven"):
        await run_to_end(offload, stop, int, "seven")
    assert not stop.is_set()
    offload.close()
