"""One peer's socket: frames in at a bounded rate, text out of a bounded queue.

What the frames mean is left to `server`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from aiohttp import WSCloseCode, WSMsgType, web

from jupyter_webtorrent.protocol.message_budget import MessageBudget
from jupyter_webtorrent.protocol.ws_tracker import MAX_FRAME_BYTES

HEARTBEAT = 20.0
"""Seconds of silence before a ping. A peer whose network changed keeps its id here until then."""
FIRST_MESSAGE_TIMEOUT = 60.0
"""Seconds; a browser gathers its candidates before it announces."""
IDLE_TIMEOUT = 240.0
"""Seconds without a message, which is two announces missed."""
CLOSE_TIMEOUT = 1.0
MAX_UNSENT_BYTES = 1 << 18
"""Past this, what other peers send to this one is dropped."""
LOW_UNSENT_BYTES = MAX_UNSENT_BYTES // 2
"""Past this, the peer must read its replies before its next message is read."""
STALL_TIMEOUT = 30.0

Handle: TypeAlias = Callable[["Connection", str | bytes], None]


def new_websocket() -> web.WebSocketResponse:
    """A server socket with our limits, not yet prepared."""
    return web.WebSocketResponse(
        heartbeat=HEARTBEAT,
        # aiohttp's limit is the first size that is too large
        max_msg_size=MAX_FRAME_BYTES + 1,
        timeout=CLOSE_TIMEOUT,
        # a few hundred bytes of JSON gain nothing, and there is no zip bomb to fear
        compress=False,
    )


class Connection:
    """A peer's socket and the room it is in (empty for the open tracker)."""

    def __init__(self, websocket: web.WebSocketResponse, room: str) -> None:
        self.room = room
        self._websocket = websocket
        self._unsent: deque[str] = deque()
        self._unsent_bytes = 0
        self._queued = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._stopping = False
        self._ended = asyncio.Event()

    def reply(self, text: str) -> None:
        """Queue what the peer asked for."""
        self._unsent.append(text)
        self._unsent_bytes += len(text)
        if self._unsent_bytes > LOW_UNSENT_BYTES:
            self._has_room.clear()
        self._queued.set()

    def relay(self, text: str) -> None:
        """Queue what another peer sends, unless this one is too far behind."""
        if self._unsent_bytes + len(text) <= MAX_UNSENT_BYTES:
            self.reply(text)

    async def run(self, handle: Handle) -> None:
        """Pass every frame to `handle` until the socket closes, goes silent or stops reading."""
        try:
            await self._talk(handle)
            code = WSCloseCode.GOING_AWAY if self._stopping else WSCloseCode.OK
            await self._websocket.close(code=code)
        finally:
            self._ended.set()

    async def aclose(self) -> None:
        """Tell the peer that the tracker stops, and wait for `run` to end."""
        self._stopping = True
        self._queued.set()
        await self._ended.wait()

    async def _talk(self, handle: Handle) -> None:
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._read(handle))
            writer = tasks.create_task(self._write())
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            reader.cancel()
            writer.cancel()

    async def _read(self, handle: Handle) -> None:
        loop = asyncio.get_running_loop()
        budget = MessageBudget(loop.time())
        timeout = FIRST_MESSAGE_TIMEOUT
        while True:
            try:
                # aiohttp's own timeout starts again with every pong.
                async with asyncio.timeout(timeout):
                    message = await self._websocket.receive()
            except TimeoutError:
                return
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            handle(self, message.data)
            timeout = IDLE_TIMEOUT
            if pause := budget.spend(len(message.data), loop.time()):
                await asyncio.sleep(pause)
            try:
                async with asyncio.timeout(STALL_TIMEOUT):
                    await self._has_room.wait()
            except TimeoutError:
                return

    async def _write(self) -> None:
        while not self._stopping:
            self._queued.clear()
            while self._unsent:
                text = self._unsent.popleft()
                try:
                    await self._websocket.send_str(text)
                except ConnectionError:
                    return
                self._unsent_bytes -= len(text)
                if self._unsent_bytes <= LOW_UNSENT_BYTES:
                    self._has_room.set()
            await self._queued.wait()
