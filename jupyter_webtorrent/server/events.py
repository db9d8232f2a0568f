"""The events WebSocket: sends TransferEvent as JSON, all transfers first and then what changes.

What there is to tell, and how it is merged for a slow reader, is `feed`'s business.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_webtorrent.server.handlers import WebTorrentHandler


class EventsHandler(WebSocketMixin, WebTorrentHandler, WebSocketHandler):
    """One browser's or program's view of the transfers, until it hangs up."""

    _sending: asyncio.Task[None] | None = None

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        if not await self.may("read", self.auth_resource):
            raise HTTPError(403, "You may not see the transfers of this server.")
        await self.engine()
        await super().get(*args, **kwargs)

    def open(self, *args: Any, **kwargs: Any) -> None:
        super().open(*args, **kwargs)
        self._sending = asyncio.create_task(self._send())
        self.app.sockets.add(self)

    def on_message(self, message: str | bytes) -> None:
        """Nothing is expected from the other side."""

    def on_close(self) -> None:
        self.app.sockets.discard(self)
        if self._sending is not None:
            self._sending.cancel()

    async def _send(self) -> None:
        with (
            self.app.feed.subscription() as subscription,
            contextlib.suppress(WebSocketClosedError),
        ):
            while True:
                event = await subscription.get()
                await self.write_message(msgspec.json.encode(event).decode())


ROUTES: list[tuple[str, type[EventsHandler]]] = [(r"webtorrent/api/events", EventsHandler)]
