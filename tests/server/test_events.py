from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tornado.httpclient import HTTPClientError, HTTPResponse
from tornado.websocket import WebSocketClientConnection
from yarl import URL

from jupyter_webtorrent.schema.transfers import TransferEvent, TransferState, TransferStatus
from jupyter_webtorrent.server.extension import WebTorrentApp

Fetch = Callable[..., Awaitable[HTTPResponse]]
Connect = Callable[..., Awaitable[WebSocketClientConnection]]

EVENTS = ("webtorrent/api", "events")


async def read(socket: WebSocketClientConnection) -> TransferEvent:
    message = await asyncio.wait_for(socket.read_message(), 10)
    assert message is not None
    return msgspec.json.decode(message, type=TransferEvent)


async def test_a_stranger_gets_no_events(jp_ws_fetch: Connect) -> None:
    with pytest.raises(HTTPClientError) as caught:
        await jp_ws_fetch(*EVENTS, headers={"Authorization": "token wrong"})
    assert caught.value.code == 403


async def test_who_may_not_read_gets_no_events(
    jp_ws_fetch: Connect, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def refuse(handler: object, user: object, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return False

    monkeypatch.setattr(jp_serverapp.authorizer, "is_authorized", refuse)
    with pytest.raises(HTTPClientError) as caught:
        await jp_ws_fetch(*EVENTS)
    assert caught.value.code == 403
    assert asked == [("read", "webtorrent")]


async def test_a_foreign_page_gets_no_events(jp_ws_fetch: Connect, jp_serverapp: Any) -> None:
    jp_serverapp.identity_provider.token = ""  # a page has cookies, not tokens
    with pytest.raises(HTTPClientError) as caught:
        await jp_ws_fetch(*EVENTS, headers={"Origin": "http://elsewhere.example"})
    assert caught.value.code == 403


async def test_a_share_is_told_from_its_beginning_to_its_end(
    jp_fetch: Fetch, jp_ws_fetch: Connect, dataset: Path
) -> None:
    socket = await jp_ws_fetch(*EVENTS)
    assert (await read(socket)).transfers == []
    body = json.dumps({"paths": [dataset.name]})
    shared = json.loads((await jp_fetch("webtorrent/api/share", method="POST", body=body)).body)
    while True:
        event = await read(socket)
        if event.transfers and event.transfers[0].state is TransferState.SEEDING:
            break
    assert event.transfers[0].info_hash == shared["info_hash"]

    late = await jp_ws_fetch(*EVENTS)
    assert [each.info_hash for each in (await read(late)).transfers] == [shared["info_hash"]]
    late.close()

    await jp_fetch("webtorrent/api/torrents", shared["info_hash"], method="DELETE")
    while not event.removed:
        event = await read(socket)
    assert event.removed == [shared["info_hash"]]
    socket.close()


async def test_what_the_other_side_says_is_ignored(jp_ws_fetch: Connect) -> None:
    socket = await jp_ws_fetch(*EVENTS)
    await socket.write_message('{"remove": "everything"}')
    assert (await read(socket)).transfers == []
    socket.close()


async def test_a_server_that_goes_down_hangs_up(
    jp_ws_fetch: Connect, extension: WebTorrentApp
) -> None:
    socket = await jp_ws_fetch(*EVENTS)
    await read(socket)
    await extension.stop_extension()
    assert await asyncio.wait_for(socket.read_message(), 10) is None
    assert socket.close_code == 1001
    socket.close()
    with pytest.raises(HTTPClientError) as caught:
        await jp_ws_fetch(*EVENTS)
    assert caught.value.code == 503


def report(done: int) -> TransferEvent:
    """News of 200 transfers: some 160 kB of JSON."""
    transfers = [
        TransferStatus(
            f"{number:040x}", "x" * 500, TransferState.DOWNLOADING, "magnet:?", 999, done
        )
        for number in range(200)
    ]
    return TransferEvent(transfers, down_rate=float(done))


async def test_who_does_not_read_keeps_nobody_waiting_and_gets_the_newest_at_last(
    jp_ws_fetch: Connect, jp_serverapp: Any, extension: WebTorrentApp
) -> None:
    count = 150
    reader = await jp_ws_fetch(*EVENTS)
    await read(reader)
    url = f"http://127.0.0.1:{jp_serverapp.port}{jp_serverapp.base_url}{'/'.join(EVENTS)}"
    headers = {"Authorization": f"token {jp_serverapp.identity_provider.token}"}
    async with (
        aiohttp.ClientSession() as session,
        # Without a task of its own that reads on, as tornado's client has one.
        session.ws_connect(URL(url, encoded=True), headers=headers, max_msg_size=0) as sleeper,
    ):
        for done in range(1, count + 1):
            extension.feed.report(report(done))
            while (event := await read(reader)).down_rate != done:
                pass
            assert [status.done for status in event.transfers] == [done] * 200

        heard: list[TransferEvent] = []
        while not heard or heard[-1].down_rate != count:
            message = await sleeper.receive_str(timeout=10)
            heard.append(msgspec.json.decode(message, type=TransferEvent))
    assert len(heard) < count / 2  # the rest was merged, not kept
    assert [status.done for status in heard[-1].transfers] == [count] * 200
    reader.close()
