"""aiortc's SCTP association made quick: fewer acknowledgements, and losses found and mended by RFC 9260.

Owns when DATA and SACK are sent (sections 6 and 7) on one ordered, reliable stream; the association, its
chunks and its data channel are aiortc's. Importing this module imports aiortc.
"""

from __future__ import annotations

import asyncio
from bisect import insort

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import (
    SCTP_DATA_LAST_FRAG,
    USERDATA_MAX_LENGTH,
    DataChunk,
    RTCSctpTransport,
    SackChunk,
)

SACK_EVERY = 2
"""Packets that one acknowledgement may wait for; a hole in the data is told at once."""
SACK_EVERY_DENSE = 4
"""While packets are dense. Not always: a sender that may release 4 packets an acknowledgement, as most
may, would never have more in flight than at its start, and be slow wherever the way is long."""
DENSE_PACKETS, DENSE_SECONDS = 256, 0.05
"""Packets are dense when so many come in so little time: 6 MB/s."""
TOLD_AT_ONCE = 128
"""For each so many chunks beyond a hole one packet more may wait: to tell of them all takes its time."""
MAX_GAPS, MAX_DUPLICATES = 200, 50
"""What one acknowledgement tells of at most, to fit into a packet (section 3.3.4)."""
SACK_SECONDS = 0.02
"""How long it may wait for them."""
MAX_BURST = 2 * SACK_EVERY_DENSE * USERDATA_MAX_LENGTH
"""What one acknowledgement may release beyond what is in flight (section 6.1, D)."""
MAX_GROWTH = SACK_EVERY_DENSE * USERDATA_MAX_LENGTH
"""What one acknowledgement may add to the congestion window in slow start (section 7.2.1, L = 4)."""
MIN_WINDOW = 4 * USERDATA_MAX_LENGTH
REORDERING = 3
"""A chunk is lost when one sent this many later has arrived (section 7.2.4; RFC 9002, section 6.1.1)."""
MIN_RTO, MAX_RTO = 0.4, 60.0
"""Seconds; the least of them outlasts a peer that delays its acknowledgements by 200 ms."""

_MASK = (1 << 32) - 1
_HALF = 1 << 31


class TunedSctpTransport(RTCSctpTransport):
    """An association whose every chunk is sent until it is acknowledged, all in one stream, in order."""

    def __init__(self, transport: RTCDtlsTransport) -> None:
        super().__init__(transport)
        self._packets_unacknowledged = 0
        self._sack_timer: asyncio.TimerHandle | None = None
        self._sack_every = SACK_EVERY
        self._packets_counted = 0
        self._counted_since = 0.0
        self._peer_window = _HALF
        self._lost_waiting = False
        # For a chunk that was sent again: the TSN that was next to be sent for the first time then.
        self._sent_again_before: dict[int, int] = {}

    def _set_state(self, state: RTCSctpTransport.State) -> None:
        if state is self.State.CLOSED:
            self._cancel_sack_timer()
        super()._set_state(state)

    # Receiving (section 6.2)

    def _mark_received(self, tsn: int) -> bool:
        """Note a chunk; returns whether it was here before."""
        last, beyond = self._last_received_tsn, self._sack_misordered
        assert last is not None
        ahead = (tsn - last) & _MASK
        if ahead == 0 or ahead >= _HALF or tsn in beyond:
            self._sack_duplicates.append(tsn)
            return True
        if ahead > 1:
            beyond.add(tsn)
            return False
        while beyond and (tsn + 1) & _MASK in beyond:
            tsn = (tsn + 1) & _MASK
            beyond.discard(tsn)
        self._last_received_tsn = tsn
        return False

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        self._sack_needed = True
        before = self._last_received_tsn
        if self._mark_received(chunk.tsn):
            return
        stream = self._get_inbound_stream(chunk.stream_id)
        _insert(stream.reassembly, chunk)
        self._advertised_rwnd -= len(chunk.user_data)
        now = self._last_received_tsn
        # What stands beyond a hole waits for it, and a fragment amid others completes no message.
        if now != before and (chunk.flags & SCTP_DATA_LAST_FRAG or now != chunk.tsn):
            for message in stream.pop_messages():
                self._advertised_rwnd += len(message[2])
                await self._receive(*message)
        if self._reconfig_deferred is not None:
            await self._reset_deferred_streams()

    async def _send_sack(self) -> None:
        """Called by aiortc after each packet with data."""
        self._packets_unacknowledged += 1
        self._count_packet()
        every = self._sack_every
        if self._sack_misordered or self._sack_duplicates:
            every = 1 + len(self._sack_misordered) // TOLD_AT_ONCE
        if self._packets_unacknowledged < every:
            self._sack_needed = False
            if self._sack_timer is None:
                loop = asyncio.get_running_loop()
                self._sack_timer = loop.call_later(SACK_SECONDS, self._sack_is_due)
        else:
            await self._send_sack_now()

    async def _send_sack_now(self) -> None:
        self._cancel_sack_timer()
        self._packets_unacknowledged = 0
        last, gaps = self._last_received_tsn, list[tuple[int, int]]()
        assert last is not None
        for place in sorted((tsn - last) & _MASK for tsn in self._sack_misordered):
            if gaps and place == gaps[-1][1] + 1:
                gaps[-1] = (gaps[-1][0], place)
            elif len(gaps) < MAX_GAPS:
                gaps.append((place, place))
            else:
                break
        sack = SackChunk()
        sack.cumulative_tsn = last
        sack.advertised_rwnd = max(0, self._advertised_rwnd)
        sack.gaps = gaps
        sack.duplicates = self._sack_duplicates[:MAX_DUPLICATES]
        self._sack_duplicates.clear()
        self._sack_needed = False
        await self._send_chunk(sack)

    def _count_packet(self) -> None:
        self._packets_counted += 1
        if self._packets_counted == DENSE_PACKETS:
            now = asyncio.get_running_loop().time()
            dense = now - self._counted_since < DENSE_SECONDS
            self._sack_every = SACK_EVERY_DENSE if dense else SACK_EVERY
            self._packets_counted, self._counted_since = 0, now

    def _sack_is_due(self) -> None:
        self._sack_timer = None
        asyncio.ensure_future(self._send_sack_now())  # noqa: RUF006 - it waits for nothing

    def _cancel_sack_timer(self) -> None:
        if self._sack_timer is not None:
            self._sack_timer.cancel()
            self._sack_timer = None

    # Sending (sections 6.1, 6.3 and 7.2)

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        advance = (chunk.cumulative_tsn - self._last_sacked_tsn) & _MASK
        if advance > len(self._sent_queue):
            return  # older than another one, or of chunks that were never sent
        window_is_used = self._flight_size + USERDATA_MAX_LENGTH > self._cwnd
        arrived = self._acknowledge(advance)
        arrived_beyond, lost = self._inspect_gaps(chunk.gaps)
        arrived += arrived_beyond
        self._peer_window = chunk.advertised_rwnd
        self._adjust_window(arrived if window_is_used else 0, lost=lost)
        if not self._sent_queue:
            self._t3_cancel()
        elif advance:
            self._t3_restart()
        await self._data_channel_flush()
        await self._transmit()

    def _acknowledge(self, count: int) -> int:
        """Forget the `count` earliest chunks in flight; returns the bytes newly known to be there."""
        arrived = 0
        for _ in range(count):
            sent = self._sent_queue.popleft()
            self._last_sacked_tsn = sent.tsn
            arrived += self._mark_arrived(sent)
            if sent._sent_count > 1:
                self._sent_again_before.pop(sent.tsn, None)
        if count and sent._sent_count == 1 and sent._sent_time is not None:
            self._update_rto(asyncio.get_running_loop().time() - sent._sent_time)
        return arrived

    def _inspect_gaps(self, gaps: list[tuple[int, int]]) -> tuple[int, bool]:
        """Note what arrived beyond a hole, and what is in the holes for too long.

        `gaps` are the first and last chunk of each island, counted from the acknowledged ones. Returns
        the bytes newly known to be there, and whether a chunk was found lost.
        """
        if not gaps:
            return 0, False
        latest = self._last_sacked_tsn + min(gaps[-1][1], len(self._sent_queue))
        arrived, lost = 0, False
        islands = iter(gaps)
        first, last = next(islands)
        for place, sent in enumerate(self._sent_queue, start=1):
            while place > last:
                island = next(islands, None)
                if island is None:
                    return arrived, lost
                first, last = island
            if place >= first:
                arrived += self._mark_arrived(sent)
            elif not (sent._acked or sent._retransmit):
                since = self._sent_again_before.get(sent.tsn, sent.tsn)
                if REORDERING <= (latest - since) & _MASK < _HALF:
                    self._flight_size_decrease(sent)
                    sent._retransmit = self._lost_waiting = lost = True
        return arrived, lost

    def _mark_arrived(self, chunk: DataChunk) -> int:
        if chunk._acked:
            return 0
        chunk._acked = True
        chunk._retransmit = False
        self._flight_size_decrease(chunk)
        return chunk._book_size

    def _adjust_window(self, arrived: int, *, lost: bool) -> None:
        """Let the congestion window follow what arrived of a full one, and what was lost."""
        if self._fast_recovery_exit is not None:
            if (self._last_sacked_tsn - self._fast_recovery_exit) & _MASK >= _HALF:
                return
            self._fast_recovery_exit = None
        if lost:
            self._ssthresh = self._cwnd = max(self._cwnd // 2, MIN_WINDOW)
            self._partial_bytes_acked = 0
            self._fast_recovery_exit = self._sent_queue[-1].tsn
            self._fast_recovery_transmit = True
        elif self._cwnd <= self._ssthresh:
            self._cwnd += min(arrived, MAX_GROWTH)
        else:
            self._partial_bytes_acked += arrived
            if self._partial_bytes_acked >= self._cwnd:
                self._partial_bytes_acked -= self._cwnd
                self._cwnd += USERDATA_MAX_LENGTH

    async def _transmit(self) -> None:
        # A window that the peer has closed is asked after with one chunk.
        limit = min(
            self._cwnd,
            self._flight_size + MAX_BURST,
            max(self._peer_window, USERDATA_MAX_LENGTH),
        )
        if self._lost_waiting and not await self._send_lost(limit):
            return
        while self._outbound_queue and self._flight_size < limit:
            chunk = self._outbound_queue.popleft()
            chunk._sent_time = asyncio.get_running_loop().time()
            self._sent_queue.append(chunk)
            await self._send_data_chunk(chunk)

    async def _send_lost(self, limit: int) -> bool:
        """Send lost chunks again, the earliest first; whether there was room for all of them."""
        next_tsn = self._outbound_queue[0].tsn if self._outbound_queue else self._local_tsn
        for place, chunk in enumerate(self._sent_queue):
            if not chunk._retransmit:
                continue
            if self._flight_size >= limit and not self._fast_recovery_transmit:
                return False
            self._fast_recovery_transmit = False
            chunk._retransmit = False
            self._sent_again_before[chunk.tsn] = next_tsn
            if place == 0:
                self._t3_cancel()
            await self._send_data_chunk(chunk)
        self._lost_waiting = False
        return True

    async def _send_data_chunk(self, chunk: DataChunk) -> None:
        self._flight_size_increase(chunk)
        chunk._sent_count += 1
        await self._send_chunk(chunk)
        if self._t3_handle is None:
            self._t3_start()

    def _t3_expired(self) -> None:
        self._rto = min(2 * self._rto, MAX_RTO)
        for chunk in self._sent_queue:
            chunk._acked = False  # section 6.3.3: a peer may have dropped what it had beyond a hole
        self._lost_waiting = True
        super()._t3_expired()

    def _update_rto(self, R: float) -> None:  # noqa: N803 - aiortc's name
        super()._update_rto(R)
        if self._srtt is not None and self._rttvar is not None:
            self._rto = max(MIN_RTO, min(self._srtt + 4 * self._rttvar, MAX_RTO))


def _insert(chunks: list[DataChunk], chunk: DataChunk) -> None:
    """Put a chunk in its place among others, in the order of their TSNs."""
    if not chunks or (chunk.tsn - chunks[-1].tsn) & _MASK < _HALF:
        chunks.append(chunk)
        return
    start = (chunks[-1].tsn - _HALF) & _MASK
    insort(chunks, chunk, key=lambda each: (each.tsn - start) & _MASK)
