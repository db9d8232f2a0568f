"""Requests for files that have nobody to come from: they end, and never hold all connections of a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from tornado.httpclient import HTTPResponse

from jupyter_webtorrent.schema.transfers import FetchRequest
from jupyter_webtorrent.server import waiting
from jupyter_webtorrent.server.extension import WebTorrentApp
from jupyter_webtorrent.server.waiting import (
    LONGEST_SECONDS,
    RETRY_AFTER_SECONDS,
    SEATS,
    NotComingError,
    WaitingRoom,
    patience,
)

NOBODY = "cd" * 20
Get = Callable[..., Awaitable[HTTPResponse]]


async def something_comes() -> str:
    return ""


async def nobody_is_there() -> str:
    return "no peers yet"


def never() -> Future[bytes]:
    return Future()


@pytest.mark.looptime
async def test_what_has_come_needs_no_seat() -> None:
    room = WaitingRoom()
    waiters = [asyncio.ensure_future(room.wait(never(), something_comes)) for _ in range(SEATS)]
    await asyncio.sleep(waiting.AT_ONCE_SECONDS + 1)
    ready: Future[bytes] = Future()
    ready.set_result(b"here")
    assert await room.wait(ready, something_comes) == b"here"
    with pytest.raises(NotComingError, match="other files are waited for already"):
        await room.wait(never(), something_comes)
    await asyncio.gather(*waiters, return_exceptions=True)


@pytest.mark.looptime
async def test_a_seat_is_free_again_after_whoever_had_it() -> None:
    room = WaitingRoom()
    waiters = [room.wait(never(), something_comes) for _ in range(SEATS)]
    ends = await asyncio.gather(*waiters, return_exceptions=True)
    assert all(isinstance(end, NotComingError) for end in ends)
    coming = never()
    asyncio.get_running_loop().call_later(LONGEST_SECONDS - 1, coming.set_result, b"late")
    assert await room.wait(coming, something_comes) == b"late"


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("why_not", "begun", "seconds", "line"),
    [
        (something_comes, False, LONGEST_SECONDS, "nothing of it came in 20 s"),
        (nobody_is_there, False, waiting.DOUBT_SECONDS, "at the moment: no peers yet"),
        (nobody_is_there, True, LONGEST_SECONDS, "nothing of it came in 20 s"),
    ],
    ids=["slow", "nobody", "amid a body"],
)
async def test_nobody_waits_for_ever(
    why_not: Callable[[], Awaitable[str]], begun: bool, seconds: float, line: str
) -> None:
    loop, coming = asyncio.get_running_loop(), never()
    start = loop.time()
    with pytest.raises(NotComingError, match=line):
        await WaitingRoom().wait(coming, why_not, begun=begun)
    assert loop.time() - start == pytest.approx(seconds)
    await asyncio.sleep(0)
    assert coming.cancelled()


@pytest.mark.looptime
async def test_who_says_how_long_to_wait_takes_no_seat() -> None:
    room = WaitingRoom()
    waiters = [asyncio.ensure_future(room.wait_patiently(never(), 900)) for _ in range(9)]
    await asyncio.sleep(300)
    assert not any(waiter.done() for waiter in waiters)
    coming = never()
    asyncio.get_running_loop().call_later(10, coming.set_result, b"late")
    assert await room.wait(coming, something_comes) == b"late"
    await asyncio.gather(*waiters, return_exceptions=True)
    with pytest.raises(NotComingError, match="nothing of it came in 900 s"):
        waiters[0].result()


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=100", 100),
        ("respond-async, Wait = 10", 10),
        ("wait=999999999", 86_400),
        ("", None),
        ("await=3", None),
        ("wait=-1", None),
        ("wait=ten", None),
    ],
)
def test_patience_is_read_from_prefer(prefer: str, seconds: int | None) -> None:
    assert patience(prefer) == seconds


async def test_players_of_what_nobody_has_leave_connections_free(
    jp_fetch: Get, extension: WebTorrentApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "AT_ONCE_SECONDS", 0.1)
    monkeypatch.setattr(waiting, "DOUBT_SECONDS", 0.5)
    link = f"magnet:?xt=urn:btih:{NOBODY}&x.pe=127.0.0.1:9"
    request = FetchRequest(link, str(tmp_path), on_demand=True)
    await asyncio.wrap_future(extension.host.fetch(request))
    answers = await asyncio.gather(
        *(
            jp_fetch("webtorrent/stream", NOBODY, f"{number}.mp4", raise_error=False)
            for number in range(6)
        )
    )
    assert [answer.code for answer in answers] == [503] * 6
    assert {answer.headers["Retry-After"] for answer in answers} == {str(RETRY_AFTER_SECONDS)}
    lines = sorted(json.loads(answer.body)["message"] for answer in answers)
    assert [line[:32] for line in lines] == sorted(
        ["nothing of it comes at the moment: no peers yet"[:32]] * SEATS
        + ["other files are waited for already"[:32]] * (6 - SEATS)
    )
