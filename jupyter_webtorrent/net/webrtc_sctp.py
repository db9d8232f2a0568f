"""aiortc's SCTP association as a stranger may be let near it: limits, and no loose exceptions.

Owns what aiortc leaves open (RFC 9260's limits, errors in background tasks); the data channel's use
is webrtc_link.py's. Importing this module imports aiortc.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import (
    SCTP_DATA_UNORDERED,
    WEBRTC_BINARY,
    WEBRTC_BINARY_EMPTY,
    WEBRTC_DCEP,
    WEBRTC_STRING,
    WEBRTC_STRING_EMPTY,
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    InitChunk,
    SackChunk,
)
from OpenSSL import SSL

from jupyter_webtorrent.net.webrtc_sdp import ACCEPTED_MESSAGE_BYTES
from jupyter_webtorrent.net.webrtc_tuning import TunedSctpTransport
from jupyter_webtorrent.protocol.message_budget import MessageBudget

MAX_HELD_BYTES = 3 << 19
"""Of unfinished messages that a peer may make us keep, CHUNK_COST for each chunk included.

With what waits before it (webrtc_ice) and behind it (webrtc) that is 2 MiB of one peer at most."""
CHUNK_COST = 400
"""Bytes that a chunk takes besides its data."""
MAX_HELD_CHUNKS = 1200
"""More than fit into our window, unless they are tiny: then each costs time too."""
MAX_TSN_AHEAD = 1 << 16
"""A chunk further beyond the last one cannot be acknowledged (section 3.3.4)."""

_KINDS = frozenset(
    (WEBRTC_DCEP, WEBRTC_STRING, WEBRTC_BINARY, WEBRTC_STRING_EMPTY, WEBRTC_BINARY_EMPTY)
)


class SctpTransport(TunedSctpTransport):
    """One association; `broken(reason)` is called when it ends or the peer breaks a rule."""

    def __init__(self, transport: RTCDtlsTransport, broken: Callable[[str], None]) -> None:
        super().__init__(transport)
        self._local_partial_reliability = False
        self._tell_broken = broken
        self._is_broken = False
        self._window = self._advertised_rwnd
        self._stream_id: int | None = None
        self._control = MessageBudget(asyncio.get_running_loop().time())

    @property
    def held_bytes(self) -> int:
        """What the peer makes us keep."""
        return self._window - self._advertised_rwnd + CHUNK_COST * self._held_chunks

    @property
    def _held_chunks(self) -> int:
        return sum(len(stream.reassembly) for stream in self._inbound_streams.values())

    def _broken(self, reason: str) -> None:
        self._is_broken = True
        self._tell_broken(reason)

    async def _handle_data(self, data: bytes) -> None:
        if self._is_broken:
            return
        try:
            await super()._handle_data(data)
        except Exception as error:  # aiortc asserts and unpacks what the peer wrote
            self._broken(f"the peer broke the rules of SCTP ({type(error).__name__})")

    async def _receive_chunk(self, chunk: Chunk) -> None:
        if self._is_broken:
            return
        if not isinstance(chunk, DataChunk | SackChunk):
            if self._control.spend(1, asyncio.get_running_loop().time()):
                self._broken("the peer sent too many SCTP control chunks")
                return
            if isinstance(chunk, ForwardTsnChunk):
                self._broken("the peer gave up data on a reliable channel")
                return
            if isinstance(chunk, InitChunk) and self._association_state is self.State.ESTABLISHED:
                return  # late, or to begin anew with other numbers
        await super()._receive_chunk(chunk)

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        if self._stream_id is None:
            self._stream_id = chunk.stream_id
        last = self._last_received_tsn
        if chunk.stream_id != self._stream_id:
            self._broken("the peer opened a second data channel")
        elif chunk.flags & SCTP_DATA_UNORDERED:
            self._broken("the peer's data channel is not ordered and reliable")
        elif last is None or MAX_TSN_AHEAD <= (chunk.tsn - last) % (1 << 32) < 1 << 31:
            self._broken("the peer sent data far beyond what it sent before")
        else:
            await super()._receive_data_chunk(chunk)
            self._check_held()

    def _check_held(self) -> None:
        if self._held_chunks > MAX_HELD_CHUNKS:
            self._broken(f"the peer sent over {MAX_HELD_CHUNKS} chunks of unfinished messages")
        elif self.held_bytes > MAX_HELD_BYTES:
            self._broken(f"the peer sent over {MAX_HELD_BYTES} bytes of unfinished messages")
        elif (
            not self._sack_misordered
            and self._window - self._advertised_rwnd > ACCEPTED_MESSAGE_BYTES
        ):
            self._broken(f"the peer sent a message of over {ACCEPTED_MESSAGE_BYTES} bytes")

    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        if pp_id not in _KINDS:
            self._broken("the peer sent a message of an unknown kind")
        elif not self._is_broken:
            await super()._receive(stream_id, pp_id, data)

    async def _send_chunk(self, chunk: Chunk) -> None:
        # Sent from timers and loose tasks too: to a connection just gone, a packet is simply lost.
        with contextlib.suppress(ConnectionError, SSL.Error):
            await super()._send_chunk(chunk)

    def _set_state(self, state: TunedSctpTransport.State) -> None:
        super()._set_state(state)
        if state is self.State.CLOSED:
            self._broken("the peer closed the connection")
