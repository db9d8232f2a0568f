"""Files of transfers over HTTP, also while they arrive: GET and HEAD, whole or one range of bytes (RFC 9110 §14).

What has come, and what is fetched next, is the engine's business. A torrent is a stranger's, so nothing of it is
ever a page of this server: what a browser would run is an attachment, and everything is in a sandbox.
"""

from __future__ import annotations

import contextlib
import socket
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, cast

from jupyter_server.auth.decorator import authorized
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated

from jupyter_webtorrent.protocol.media import is_shown_by_browsers, media_type
from jupyter_webtorrent.server.attachment import attachment
from jupyter_webtorrent.server.handlers import (
    RestHandler,
    ResultT,
    UnknownRouteHandler,
    plain_refusals,
)
from jupyter_webtorrent.server.ranges import UnsatisfiableRangeError, requested_range
from jupyter_webtorrent.server.waiting import RETRY_AFTER_SECONDS, patience

if TYPE_CHECKING:
    from jupyter_webtorrent.engine.host import HostStream

CHUNK_BYTES: Final = 1 << 18
"""Read at once, and at most so much of it waits for a client that does not read."""
FIRST_AHEAD_BYTES: Final = 1 << 20
"""Fetched ahead of a client's first byte. Twice what it has taken is added: who only looks in costs little."""


class StreamHandler(RestHandler):
    """One file of a transfer. A client that hangs up, as players do at each seek, ends what is fetched for it."""

    _track_activity = True  # somebody watches
    _stream: HostStream | None = None
    _hung_up = False

    @property
    def content_security_policy(self) -> str:
        return super().content_security_policy + "; sandbox"

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "private")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Accel-Buffering", "no")  # nginx would read ahead of the client

    async def prepare(self) -> None:  # type: ignore[override]
        await super().prepare()
        self._transforms = []  # compressed, the bytes would not be those of the range

    @authenticated
    @authorized
    async def get(self, info_hash: str, path: str) -> None:
        await self._serve(info_hash.lower(), path, self.request.headers.get("Range"))

    @authenticated
    @authorized
    async def head(self, info_hash: str, path: str) -> None:
        await self._serve(info_hash.lower(), path, None)  # a Range is for GET alone

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if status_code == 503:
            self.set_header("Retry-After", str(RETRY_AFTER_SECONDS))
        super().write_error(status_code, **kwargs)

    def on_connection_close(self) -> None:
        self._hung_up = True
        if self._stream is not None:
            self._stream.close()
        super().on_connection_close()

    async def _serve(self, info_hash: str, path: str, wanted: str | None) -> None:
        self.check_xsrf_cookie()  # no foreign page shows a person's files, nor learns which there are
        host = await self.engine()
        self._stream = stream = await self.ask(host.open_stream(info_hash, path))
        try:
            if not self._hung_up:
                await self._answer(stream, info_hash, path, wanted)
        except (HTTPError, StreamClosedError):
            if self._headers_written and not self._hung_up:
                self.detach().close()  # the rest cannot come: all that is left to say is that there is no more
            elif not self._hung_up:
                raise
        finally:
            stream.close()

    async def _answer(
        self, stream: HostStream, info_hash: str, path: str, wanted: str | None
    ) -> None:
        length = await self._waited(stream.length(), info_hash)
        etag = f'"{info_hash}-{length}"'  # what an info hash stands for never changes
        self.set_header("Etag", etag)
        self.set_header("Accept-Ranges", "bytes")
        if self.check_etag_header():
            self.set_status(304)
            return
        if self.request.headers.get("If-Range", etag) != etag:
            wanted = None
        try:
            asked = requested_range(wanted, length)
        except UnsatisfiableRangeError as error:
            self.set_header("Content-Range", f"bytes */{length}")
            self.answer({"message": f"The file has {length} bytes: {error}."}, 416)
            return
        span = range(length) if asked is None else asked
        is_get = self.request.method == "GET"
        # Before the headers, so that a file which cannot be read gets a status that says so.
        data = await self._read(stream, info_hash, span, 0) if is_get else b""
        if asked is not None:
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {span.start}-{span.stop - 1}/{length}")
        self.set_header("Content-Length", str(len(span)))
        self._describe(path)
        self._keep_socket_short()
        await self._send(data)
        sent = len(data)
        while is_get and (rest := span[sent:]):
            data = await self._read(stream, info_hash, rest, sent)
            await self._send(data)
            sent += len(data)

    async def _read(self, stream: HostStream, info_hash: str, span: range, sent: int) -> bytes:
        """The beginning of a span, as soon as it is here; `sent` bytes before it have been taken."""
        count = min(len(span), CHUNK_BYTES)
        ahead = min(len(span) - count, FIRST_AHEAD_BYTES + 2 * sent)
        if not count:
            return b""
        return await self._waited(stream.read(span.start, count, ahead=ahead), info_hash)

    async def _waited(self, coming: Future[ResultT], info_hash: str) -> ResultT:
        """What the engine reads, as soon as it is here; a 503 with the reason if that takes too long."""
        room, prefer = self.app.waiting_room, self.request.headers.get("Prefer", "")
        seconds = patience(prefer)
        with plain_refusals():
            if seconds is not None:
                return await room.wait_patiently(coming, seconds)
            return await room.wait(
                coming, lambda: self._why_nothing_comes(info_hash), begun=self._headers_written
            )

    async def _why_nothing_comes(self, info_hash: str) -> str:
        """In a line; empty while something does, and while what is here is being checked."""
        for transfer in await self.ask((await self.engine()).transfers()):
            if transfer.info_hash == info_hash and not transfer.down_rate:
                return transfer.notice
        return ""

    async def _send(self, data: bytes) -> None:
        """Returns when the socket has taken it all."""
        self.write(data)
        await self.flush()
        self.update_api_activity()

    def _describe(self, path: str) -> None:
        self.set_header("Content-Type", media_type(path))
        download = self.get_query_argument("download", "0") not in ("", "0", "false")
        if download or not is_shown_by_browsers(path):
            self.set_header("Content-Disposition", attachment(path.rpartition("/")[2]))

    def _keep_socket_short(self) -> None:
        """Let the system hold little that a client has not begun to take: it may have sought elsewhere by then."""
        option: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        stream = cast(HTTP1Connection, self.request.connection).stream
        own: Any = getattr(stream, "socket", None)
        if option is not None and own is not None:
            with contextlib.suppress(OSError):  # a Unix socket
                own.setsockopt(socket.IPPROTO_TCP, option, CHUNK_BYTES)


ROUTES: list[tuple[str, type[RestHandler]]] = [
    (r"webtorrent/stream/([0-9a-fA-F]{40})/(.+)", StreamHandler),
    (r"webtorrent/stream/.*", UnknownRouteHandler),
]
