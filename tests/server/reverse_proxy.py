"""A reverse proxy such as stands before a Jupyter server: another prefix, X-Forwarded-*, and moods about WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "upgrade", "keep-alive"}


class ReverseProxy:
    """Leads everything below `prefix` to `target`, with the Host that it was asked for."""

    def __init__(self, target: str, prefix: str) -> None:
        self.takes_websockets = True
        self._target = target
        self._prefix = prefix
        self._sockets: set[web.WebSocketResponse] = set()
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ReverseProxy]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}{self._prefix}"
            yield self
        finally:
            await self.cut()
            await runner.cleanup()
            await self._session.close()

    async def cut(self) -> None:
        """Hang up on everybody who has a WebSocket."""
        for socket in list(self._sockets):
            await socket.close()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if not request.raw_path.startswith(self._prefix):
            raise web.HTTPNotFound
        rest = request.raw_path.removeprefix(self._prefix)
        url = URL(self._target + rest, encoded=True)
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP
        }
        headers |= {
            "X-Forwarded-For": request.remote or "",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": request.host,
            "X-Forwarded-Prefix": self._prefix,
        }
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if not self.takes_websockets:
                raise web.HTTPBadGateway
            return await self._pass_socket(request, url, headers)
        inner = URL(self._target, encoded=True).raw_path
        async with self._session.request(
            request.method, url, headers=headers, data=await request.read(), allow_redirects=False
        ) as answer:
            passed = web.Response(status=answer.status, body=await answer.read())
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    passed.headers.add(name, value.replace(f"Path={inner}", f"Path={self._prefix}"))
            return passed

    async def _pass_socket(
        self, request: web.Request, url: URL, headers: dict[str, str]
    ) -> web.StreamResponse:
        own = {name: value for name, value in headers.items() if not name.startswith("Sec-")}
        try:
            inner = await self._session.ws_connect(url, headers=own)
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status)
        async with inner:
            outer = web.WebSocketResponse()
            await outer.prepare(request)
            self._sockets.add(outer)
            hearing = asyncio.create_task(_drain(outer))
            try:
                async for message in inner:
                    await outer.send_str(message.data)
            except ConnectionError:
                pass
            finally:
                self._sockets.discard(outer)
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)
            return outer


async def _drain(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass
