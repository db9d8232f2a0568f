"""WebRTC peers: one negotiation by offer and answer, then one byte stream over its data channel.

Owns the stream (gathering, back-pressure, closing exactly once). The network below is webrtc_link.py's,
imported with the first negotiation only: aiortc is large. Who is offered what is the engine's business.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from jupyter_webtorrent.net.errors import ConnectError, NetError
from jupyter_webtorrent.net.transport import HIGH_WATER, Buffer, Receiver, TransportKind
from jupyter_webtorrent.net.webrtc_config import RtcConfig
from jupyter_webtorrent.net.webrtc_sdp import ACCEPTED_MESSAGE_BYTES, DataDescription
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.schema.failures import FailureCode

if TYPE_CHECKING:
    from jupyter_webtorrent.net.webrtc_link import PeerLink

MESSAGE_BYTES = 64 * 1024
"""The largest message we send: every known peer takes it."""
LINK_BYTES = 256 * 1024
"""Bytes handed to the data channel ahead of the network; the rest waits here."""
LOW_WATER = HIGH_WATER // 2
MAX_HELD_BYTES = 1 << 18
"""Bytes kept for a receiver that has not started yet."""


class WebRtcConnection:
    """One negotiation, made by `offer` or `answer`; `aclose` it in every case.

    The caller carries the descriptions to the other side and sets every time limit.
    """

    def __init__(self, config: RtcConfig, link: PeerLink, sdp: str) -> None:
        self.sdp = sdp
        """Our complete description, for the other side."""
        self._config = config
        self._link = link
        self._connecting: asyncio.Task[None] | None = None
        self._transport = WebRtcTransport(link)
        self._opened: asyncio.Future[WebRtcTransport] = asyncio.get_running_loop().create_future()

    @classmethod
    async def offer(cls, config: RtcConfig) -> WebRtcConnection:
        """Describe our end. Takes up to 2 s with a STUN server; raises NetError without a network."""
        link = await _gathered_link(config, offerer=True)
        return cls(config, link, str(link.description("actpass")))

    @classmethod
    async def answer(cls, config: RtcConfig, remote_sdp: str) -> WebRtcConnection:
        """Answer a peer's offer and begin to connect.

        Raises ProtocolError for an offer that is not valid, NetError without a network.
        """
        remote = DataDescription.parse(
            remote_sdp, "offer", loopback_candidates=config.loopback_candidates
        )
        link = await _gathered_link(config, offerer=False)
        active = remote.setup != "active"
        local = link.description("active" if active else "passive", remote.mid)
        connection = cls(config, link, str(local))
        connection._connect(remote, active=active)
        return connection

    async def accept_answer(self, remote_sdp: str) -> None:
        """Take the answer to our offer and begin to connect; raises ProtocolError if it is not valid."""
        if self._connecting is not None:
            raise ProtocolError("a second answer to one offer")
        remote = DataDescription.parse(
            remote_sdp, "answer", loopback_candidates=self._config.loopback_candidates
        )
        self._connect(remote, active=remote.setup == "passive")

    async def opened(self) -> WebRtcTransport:
        """Wait for the data channel. Raises NetError if there will be none."""
        return await asyncio.shield(self._opened)

    def overdue(self) -> ConnectError:
        """What to say to a person if `opened` takes too long: the step that does not end."""
        return self._link.overdue()

    async def aclose(self) -> None:
        """End the negotiation, and its transport if there is one; returns when all is released."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        self._fail(NetError("the connection was closed before it opened"))
        await self._transport.aclose()

    def _connect(self, remote: DataDescription, *, active: bool) -> None:
        self._connecting = asyncio.create_task(self._establish(remote, active=active))

    async def _establish(self, remote: DataDescription, *, active: bool) -> None:
        try:
            await self._link.connect(remote, active=active, listener=self._transport)
        except NetError as error:
            self._fail(error)
            await self._link.close()
        except Exception as error:
            what = f"the WebRTC connection failed: {error or type(error).__name__}"
            self._fail(ConnectError(FailureCode.OTHER, what))
            await self._link.close()
        else:
            if not self._opened.done():
                self._opened.set_result(self._transport)

    def _fail(self, error: NetError) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
            self._opened.exception()  # nobody may be waiting for it


class WebRtcTransport:
    """The byte stream of one data channel, made by WebRtcConnection."""

    def __init__(self, link: PeerLink) -> None:
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._receiver: Receiver | None = None
        self._held = bytearray()
        """What came before there was a receiver."""
        self._queue: deque[memoryview] = deque()
        self._queued_bytes = 0
        self._flush_scheduled = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed_reason: str | None = None

    @property
    def kind(self) -> TransportKind:
        return "webrtc"

    @property
    def remote(self) -> str:
        """The address of the peer's end of the path, or `webrtc` while there is none."""
        address = self._link.remote
        if address is None:
            return "webrtc"
        host, port = address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def direct_host(self) -> str | None:
        """The peer's own IP address, if the path leads straight to it."""
        return self._link.direct_host

    @property
    def unsent(self) -> int:
        """Bytes that wait here and in the data channel; up to one message more may be on its way."""
        return self._queued_bytes + self._link.buffered

    def start(self, receiver: Receiver) -> None:
        """Begin to deliver, what came before first. All calls to `receiver` come from the loop."""
        self._receiver = receiver
        self._loop.call_soon(self._deliver_held)
        if self._closed_reason is not None:
            self._loop.call_soon(receiver.closed, self._closed_reason)

    def write(self, *parts: Buffer) -> None:
        if self._closed_reason is not None:
            return
        for part in parts:
            view = memoryview(part).cast("B")
            if view.nbytes:
                self._queue.append(view)
                self._queued_bytes += view.nbytes
        self._schedule_flush()
        self._update_writable()

    async def drain(self) -> None:
        """Wait until at most half of HIGH_WATER is unsent, or the connection is closed."""
        await self._writable.wait()

    def close(self, reason: str) -> None:
        if self._closed_reason is not None:
            return
        self._closed_reason = reason
        self._queue.clear()
        self._queued_bytes = 0
        self._writable.set()
        self._link.begin_close()
        if self._receiver is not None:
            self._loop.call_soon(self._receiver.closed, reason)

    async def aclose(self) -> None:
        self.close("closed by us")
        await self._link.close()

    # Sending

    def _schedule_flush(self) -> None:
        if not self._flush_scheduled and self._queue:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        while self._queue and self._link.buffered < LINK_BYTES:
            self._link.send(self._next_message())
        self._update_writable()

    def _next_message(self) -> bytes:
        """Take the next bytes of the queue, as many as one message holds."""
        space = min(MESSAGE_BYTES, self._link.max_message_bytes)
        parts: list[memoryview] = []
        while self._queue and space:
            part = self._queue.popleft()
            if part.nbytes > space:
                self._queue.appendleft(part[space:])
                part = part[:space]
            parts.append(part)
            space -= part.nbytes
            self._queued_bytes -= part.nbytes
        return b"".join(parts)

    def _update_writable(self) -> None:
        if self.unsent <= LOW_WATER or self._closed_reason is not None:
            self._writable.set()
        else:
            self._writable.clear()

    # LinkListener

    def message_received(self, data: bytes | str) -> None:
        if self._closed_reason is not None:
            return
        if isinstance(data, str):
            self.close("the peer sent text where only bytes belong")
        elif len(data) > ACCEPTED_MESSAGE_BYTES:
            self.close(f"the peer sent a message of {len(data)} bytes")
        elif self._receiver is None or self._held:
            self._hold(data)
        else:
            self._deliver(data)

    def link_drained(self) -> None:
        self._schedule_flush()
        self._update_writable()

    def link_lost(self, reason: str) -> None:
        self.close(reason)

    # Receiving

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > MAX_HELD_BYTES:
            self._held.clear()
            self.close(f"the peer sent over {MAX_HELD_BYTES} bytes before it was asked to")

    def _deliver_held(self) -> None:
        held, self._held = self._held, bytearray()
        self._deliver(held)

    def _deliver(self, data: Buffer) -> None:
        assert self._receiver is not None
        rest = memoryview(data)
        try:
            while rest and self._closed_reason is None:
                space = self._receiver.get_buffer()
                count = min(space.nbytes, rest.nbytes)
                space[:count] = rest[:count]
                self._receiver.buffer_updated(count)
                rest = rest[count:]
        except Exception as error:
            self._loop.call_exception_handler(
                {"message": "a receiver failed; its connection is closed", "exception": error}
            )
            self.close("an error in this program")


async def _gathered_link(config: RtcConfig, *, offerer: bool) -> PeerLink:
    link_type = await asyncio.to_thread(_link_type)
    link = link_type(config, offerer=offerer)
    try:
        await link.gather()
    except BaseException:
        await link.close()
        raise
    return link


def _link_type() -> type[PeerLink]:
    """Import aiortc, which takes a good part of a second: in a thread, so that the loop goes on."""
    from jupyter_webtorrent.net.webrtc_link import PeerLink

    return PeerLink
