"""aiortc's SCTP association as a stranger may be let near it: limits, and no loose exceptions.

Owns what aiortc leaves open (RFC 9260's limits, errors in background tasks); the data channel's use
is webrtc_link.py's. Importing this module imports aiortc.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import Chunk, DataChunk
from OpenSSL import SSL

from jupyter_webtorrent.net.webrtc_tuning import TunedSctpTransport

MAX_HELD_BYTES = 2 << 20
"""Bytes of unfinished messages that a peer may make us keep."""


class SctpTransport(TunedSctpTransport):
    """One association; `broken(reason)` is called when it ends or the peer breaks a rule."""

    def __init__(self, transport: RTCDtlsTransport, broken: Callable[[str], None]) -> None:
        super().__init__(transport)
        self._broken = broken
        self._window = self._advertised_rwnd
        self._stream_id: int | None = None

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
        except Exception as error:  # aiortc asserts and unpacks what the peer wrote
            self._broken(f"the peer broke the rules of SCTP ({type(error).__name__})")

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        if self._stream_id is None:
            self._stream_id = chunk.stream_id
        if chunk.stream_id != self._stream_id:
            self._broken("the peer opened a second data channel")
            return
        await super()._receive_data_chunk(chunk)
        if self._window - self._advertised_rwnd > MAX_HELD_BYTES:
            self._broken(f"the peer sent over {MAX_HELD_BYTES} bytes of unfinished messages")

    async def _send_chunk(self, chunk: Chunk) -> None:
        # Sent from timers and loose tasks too: to a connection just gone, a packet is simply lost.
        with contextlib.suppress(ConnectionError, SSL.Error):
            await super()._send_chunk(chunk)

    def _set_state(self, state: TunedSctpTransport.State) -> None:
        super()._set_state(state)
        if state is self.State.CLOSED:
            self._broken("the peer closed the connection")
