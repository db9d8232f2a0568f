"""The embedded tracker: aiohttp around `Swarms`, WebSocket announces and scrapes at /announce.

Plain HTTP requests to the same paths, and to /scrape, are `http.HttpAnnounces`'.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from jupyter_webtorrent.protocol.ws_messages import (
    Announce,
    Answer,
    Failure,
    RelayedAnswer,
    Request,
    Scrape,
)
from jupyter_webtorrent.protocol.ws_tracker import BadRequestError, encode_reply, parse_request
from jupyter_webtorrent.tracker.connection import CLOSE_TIMEOUT, Connection, new_websocket
from jupyter_webtorrent.tracker.errors import RefusedError, TrackerError
from jupyter_webtorrent.tracker.http import HttpAnnounces
from jupyter_webtorrent.tracker.swarms import Swarms

logger = logging.getLogger(__name__)

MAX_SOCKETS = 500
MAX_ROOM_CHARACTERS = 200
HANDSHAKE_TIMEOUT = 10.0
"""Seconds a connection may stay open without becoming a WebSocket."""


class EmbeddedTracker:
    """A WebSocket and HTTP tracker on one address. Every socket's trouble stays its own."""

    def __init__(self, *, rng: random.Random | None = None, max_sockets: int = MAX_SOCKETS) -> None:
        rng = rng or random.Random()
        self._swarms: Swarms[Connection] = Swarms(rng)
        self._http = HttpAnnounces(rng)
        self._max_sockets = max_sockets
        self._upgraded: dict[web.RequestHandler, Connection] = {}
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._hosts: list[str] = []
        self._port = 0

    @property
    def port(self) -> int:
        """The TCP port it listens on; 0 before `start`."""
        return self._port

    @property
    def urls(self) -> list[str]:
        """Where browsers and we announce; where it listens on all interfaces, the one for other machines first."""
        return [f"ws://{host}:{self._port}/announce" for host in self._hosts]

    @property
    def http_urls(self) -> list[str]:
        """The same for peers that only speak TCP."""
        return [f"http://{host}:{self._port}/announce" for host in self._hosts]

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; an empty host means every interface, port 0 any port. Raises TrackerError."""
        if self._runner is not None:
            raise RuntimeError("the tracker is started already")
        listener = await _listen(host, port)
        app = web.Application()
        app.router.add_get("/", self._status)
        app.router.add_get("/announce", self._announce)
        app.router.add_get("/announce/{room}", self._announce)
        app.router.add_get("/scrape", self._http.scrape)
        app.on_shutdown.append(self._close_sockets)
        # No access log: paths hold the names of rooms.
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=logger,
            keepalive_timeout=HANDSHAKE_TIMEOUT,
            shutdown_timeout=CLOSE_TIMEOUT,
        )
        await self._runner.setup()
        self._port = listener.getsockname()[1]
        self._hosts = announced_hosts(host)
        self._server = await asyncio.get_running_loop().create_server(
            self._accept, sock=listener, backlog=self._max_sockets
        )

    async def aclose(self) -> None:
        """Close every socket and the listening one; may be called more than once."""
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _accept(self) -> asyncio.Protocol:
        assert self._runner is not None
        assert self._runner.server is not None
        if len(self._runner.server.connections) >= self._max_sockets:
            return _Refusal()
        protocol = self._runner.server()
        asyncio.get_running_loop().call_later(
            HANDSHAKE_TIMEOUT, self._close_unless_upgraded, protocol
        )
        return protocol

    def _close_unless_upgraded(self, protocol: web.RequestHandler) -> None:
        if protocol not in self._upgraded and protocol.transport is not None:
            protocol.transport.abort()

    async def _close_sockets(self, _app: web.Application) -> None:
        await asyncio.gather(*(connection.aclose() for connection in self._upgraded.values()))

    async def _status(self, _request: web.Request) -> web.Response:
        return web.Response(text="jupyter-webtorrent tracker: announce at /announce\n")

    async def _announce(self, request: web.Request) -> web.StreamResponse:
        room = request.match_info.get("room", "")
        if len(room) > MAX_ROOM_CHARACTERS:
            return web.Response(status=404, text="a room's name is too long\n")
        websocket = new_websocket()
        if not websocket.can_prepare(request):
            return self._http.announce(request, room)
        await websocket.prepare(request)
        connection = Connection(websocket, room)
        self._upgraded[request.protocol] = connection
        try:
            await connection.run(self._handle)
        finally:
            del self._upgraded[request.protocol]
            self._swarms.disconnected(connection)
        return websocket

    def _handle(self, connection: Connection, frame: str | bytes) -> None:
        try:
            request = parse_request(frame)
        except BadRequestError as error:
            connection.reply(encode_reply(error.failure))
            return
        try:
            self._serve(connection, request)
        except RefusedError as error:
            # Only announces and answers are refused.
            assert not isinstance(request, Scrape)
            connection.reply(encode_reply(Failure(request.info_hash, str(error))))

    def _serve(self, connection: Connection, request: Request) -> None:
        now = asyncio.get_running_loop().time()
        room = connection.room
        match request:
            case Announce():
                response, deliveries = self._swarms.announce(now, room, connection, request)
                connection.reply(encode_reply(response))
                for delivery in deliveries:
                    delivery.socket.relay(encode_reply(delivery.offer))
            case Answer():
                receiver = self._swarms.answer(room, connection, request)
                if receiver is not None:
                    answer = RelayedAnswer(
                        info_hash=request.info_hash,
                        peer_id=request.peer_id,
                        offer_id=request.offer_id,
                        sdp=request.sdp,
                    )
                    receiver.relay(encode_reply(answer))
            case Scrape():
                connection.reply(encode_reply(self._swarms.scrape(now, room, request)))


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Whether a log line is worth it: aiohttp writes a traceback for every request it cannot parse."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


logger.addFilter(_is_our_fault)


class _Refusal(asyncio.Protocol):
    """Hangs up on a connection over the limit."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def _listen(host: str, port: int) -> socket.socket:
    """One listening socket, of both IP versions where the host is empty or `::`."""
    where = f"{host or '*'}:{port}"
    try:
        if host in ("", "::") and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        found = await asyncio.get_running_loop().getaddrinfo(
            host or "0.0.0.0", port, type=socket.SOCK_STREAM
        )
        family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        return socket.create_server(address[:2], family=family)
    except (socket.gaierror, UnicodeError):
        raise TrackerError(f"cannot listen on {where}: the name does not resolve") from None
    except OSError as error:
        # The message itself repeats the address in Python's words.
        detail = os.strerror(error.errno or 0).lower()
        raise TrackerError(f"cannot listen on {where}: {detail}") from None


def announced_hosts(host: str) -> list[str]:
    """The hosts for the URLs of a tracker that listens on `host`."""
    if host not in ("", "::", "0.0.0.0"):
        return [f"[{host}]" if ":" in host else host]
    outward = outward_address()
    return ["127.0.0.1"] if outward is None else [outward, "127.0.0.1"]


def outward_address() -> str | None:
    """The IPv4 address of the default route's network; asks the kernel, sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])
