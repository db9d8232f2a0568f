"""Our SCTP over a wire that loses, delays and reorders, in virtual time: whole, quick and polite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import cast

import pytest
from aiortc import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import (
    USERDATA_MAX_LENGTH,
    Chunk,
    DataChunk,
    RTCSctpTransport,
    SackChunk,
    parse_packet,
)

from jupyter_webtorrent.net.webrtc_tuning import (
    MIN_RTO,
    SACK_EVERY,
    SACK_SECONDS,
    TunedSctpTransport,
)

pytestmark = [pytest.mark.looptime, pytest.mark.filterwarnings("error")]

LATENCY = 0.01
PACKET_SECONDS = 0.0001
MESSAGE = Random(5).randbytes(60_000)


class Wire:
    """What stands for DTLS: one direction of a path, whose packets meet `fate`, a delay or None for loss."""

    state = "connected"

    def __init__(self, role: str, fate: Callable[[list[Chunk]], float | None]) -> None:
        self._role = role
        self.fate = fate
        self.other: Wire | None = None
        self.sent: list[Chunk] = []
        self._free_at = 0.0
        self._receiver: RTCSctpTransport | None = None
        self._arriving: set[asyncio.Task[None]] = set()

    def _register_data_receiver(self, receiver: RTCSctpTransport) -> None:
        self._receiver = receiver

    def _unregister_data_receiver(self, receiver: RTCSctpTransport) -> None:
        self._receiver = None

    async def _send_data(self, data: bytes) -> None:
        chunks = parse_packet(data)[3]
        self.sent += chunks
        delay = self.fate(chunks)
        if delay is not None and self.other is not None:
            loop = asyncio.get_running_loop()
            # One after the other: a loop calls what is due at the same time in any order.
            self._free_at = max(self._free_at, loop.time()) + PACKET_SECONDS
            loop.call_at(self._free_at + delay, self.other.arrived, data)

    def arrived(self, data: bytes) -> None:
        if self._receiver is not None:
            task = asyncio.ensure_future(self._receiver._handle_data(data))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    def count(self, kind: type[Chunk]) -> int:
        return sum(isinstance(chunk, kind) for chunk in self.sent)


def undisturbed(chunks: list[Chunk]) -> float | None:
    return LATENCY


class Path:
    """Two associations, the near one with an open channel to the far one."""

    def __init__(self, near: type[RTCSctpTransport], far: type[RTCSctpTransport]) -> None:
        self.out, self.back = Wire("client", undisturbed), Wire("server", undisturbed)
        self.out.other, self.back.other = self.back, self.out
        self.near = near(cast(RTCDtlsTransport, self.out))
        self.far = far(cast(RTCDtlsTransport, self.back))
        self.received: list[bytes] = []
        self._grown = asyncio.Event()
        self.far.on("datachannel", lambda channel: channel.on("message", self._message))

    def _message(self, data: bytes) -> None:
        self.received.append(data)
        self._grown.set()

    async def open(self) -> None:
        await asyncio.gather(self.near.start(None, 5000), self.far.start(None, 5000))
        opened = asyncio.Event()
        self.channel = RTCDataChannel(self.near, RTCDataChannelParameters(label="x"))
        self.channel.on("open", opened.set)
        await opened.wait()
        await asyncio.sleep(1)  # what opening left to acknowledge
        self.out.sent.clear()
        self.back.sent.clear()

    async def has(self, count: int) -> float:
        """Wait for so many messages; returns the seconds it took."""
        start = asyncio.get_running_loop().time()
        while len(self.received) < count:
            self._grown.clear()
            await self._grown.wait()
        return asyncio.get_running_loop().time() - start


@asynccontextmanager
async def opened_path(
    near: type[RTCSctpTransport] = TunedSctpTransport,
    far: type[RTCSctpTransport] = TunedSctpTransport,
) -> AsyncIterator[Path]:
    path = Path(near, far)
    await path.open()
    try:
        yield path
    finally:
        await path.near.stop()
        await path.far.stop()
        await asyncio.sleep(1)


def losing(lost: dict[int, int], base: int) -> Callable[[list[Chunk]], float | None]:
    """Lose the data chunk that is `n` places after `base` so many times as `lost[n]` says."""

    def fate(chunks: list[Chunk]) -> float | None:
        for chunk in chunks:
            if isinstance(chunk, DataChunk):
                place = (chunk.tsn - base) % (1 << 32)
                if lost.get(place, 0):
                    lost[place] -= 1
                    return None
        return LATENCY

    return fate


def unreliable(random: Random, loss: float) -> Callable[[list[Chunk]], float | None]:
    def fate(chunks: list[Chunk]) -> float | None:
        return None if random.random() < loss else LATENCY * random.uniform(0.5, 1.5)

    return fate


@pytest.mark.parametrize("near", [TunedSctpTransport, RTCSctpTransport])
@pytest.mark.parametrize("far", [TunedSctpTransport, RTCSctpTransport])
@pytest.mark.parametrize("seed", range(2))
async def test_every_message_arrives_in_order_over_a_bad_wire(
    near: type[RTCSctpTransport], far: type[RTCSctpTransport], seed: int
) -> None:
    async with opened_path(near, far) as path:
        random = Random(seed)
        path.out.fate = unreliable(random, 0.05)
        path.back.fate = unreliable(random, 0.05)
        messages = [random.randbytes(random.randrange(1, 60_000)) for _ in range(20)]
        for message in messages:
            path.channel.send(message)
        await path.has(len(messages))
        assert path.received == messages


async def test_a_sequence_number_may_pass_its_end() -> None:
    async with opened_path() as path:
        # As if nearly 2**32 chunks had been exchanged.
        tsn = (1 << 32) - 20
        path.near._local_tsn = tsn
        path.near._last_sacked_tsn = path.far._last_received_tsn = tsn - 1
        path.out.fate = losing({5: 1, 30: 2}, tsn)
        path.channel.send(MESSAGE)
        await path.has(1)
        assert path.received == [MESSAGE]


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_chunk_lost_time_and_again_is_sent_again_without_a_timeout(times: int) -> None:
    async with opened_path() as path:
        path.near._cwnd = 40 * USERDATA_MAX_LENGTH
        path.out.fate = losing({10: times}, path.near._local_tsn)
        for _ in range(10):
            path.channel.send(MESSAGE)
        assert await path.has(10) < MIN_RTO
        chunks = 10 * -(-len(MESSAGE) // USERDATA_MAX_LENGTH)
        assert path.out.count(DataChunk) == chunks + times


async def test_the_window_is_halved_once_for_the_losses_of_one_window() -> None:
    async with opened_path() as path:
        path.near._cwnd = window = 40 * USERDATA_MAX_LENGTH
        path.near._ssthresh = window
        path.out.fate = losing({10: 1, 12: 1, 20: 2, 25: 1}, path.near._local_tsn)
        for _ in range(3):
            path.channel.send(MESSAGE)
        await path.has(3)
        assert path.near._cwnd < window
        assert path.near._cwnd >= window // 2


async def test_after_silence_the_timer_sends_what_is_missing_at_doubling_intervals() -> None:
    async with opened_path() as path:
        path.out.fate = lambda chunks: None
        path.channel.send(MESSAGE)
        await asyncio.sleep(4 * MIN_RTO)
        in_silence = path.out.count(DataChunk)
        path.out.fate = undisturbed
        await path.has(1)
        assert path.received == [MESSAGE]
        # The three chunks of the first window, then one each after 1 and 1 + 2 intervals.
        assert in_silence == 3 + 2


async def test_what_a_peer_took_back_is_sent_again() -> None:
    async with opened_path() as path:
        path.out.fate = lambda chunks: None
        path.channel.send(MESSAGE)
        await asyncio.sleep(0)
        false = SackChunk()
        false.cumulative_tsn = path.near._last_sacked_tsn
        false.gaps = [(2, 3)]  # the peer says it has them, and then has no room for them
        await path.near._receive_sack_chunk(false)
        path.out.fate = undisturbed
        await path.has(1)
        assert path.received == [MESSAGE]


async def test_two_packets_share_an_acknowledgement_and_one_does_not_wait_long() -> None:
    async with opened_path() as path:
        chunks = 3 * SACK_EVERY
        path.near._cwnd = 2 * chunks * USERDATA_MAX_LENGTH
        path.channel.send(bytes(chunks * USERDATA_MAX_LENGTH))
        await path.has(1)
        await asyncio.sleep(1)
        assert path.back.count(SackChunk) == chunks // SACK_EVERY
        path.channel.send(b"alone")
        await path.has(2)
        assert path.back.count(SackChunk) == chunks // SACK_EVERY
        await asyncio.sleep(SACK_SECONDS * 1.01)
        assert path.back.count(SackChunk) == chunks // SACK_EVERY + 1


async def test_a_sender_of_four_packets_an_acknowledgement_gets_up_to_speed() -> None:
    # aiortc as it is: were only every fourth packet acknowledged, its flight would never grow.
    async with opened_path(near=RTCSctpTransport) as path:
        for _ in range(40):
            path.channel.send(MESSAGE)
        assert await path.has(40) < 0.8


async def test_a_peer_without_room_is_asked_with_one_chunk_at_a_time() -> None:
    async with opened_path() as path:
        path.near._cwnd = 40 * USERDATA_MAX_LENGTH
        path.far._advertised_rwnd = 0
        path.channel.send(b"first")
        await path.has(1)
        await asyncio.sleep(1)
        path.channel.send(MESSAGE)
        await asyncio.sleep(LATENCY / 2)
        assert path.out.count(DataChunk) == 2
        await path.has(2)
        assert path.received[1] == MESSAGE


async def test_an_acknowledgement_of_what_was_never_sent_is_ignored() -> None:
    async with opened_path() as path:
        path.near._cwnd = 20 * USERDATA_MAX_LENGTH
        path.channel.send(MESSAGE)
        await asyncio.sleep(0)
        in_flight = path.near._flight_size
        for tsn in (path.near._local_tsn + 7, path.near._last_sacked_tsn - 7):
            false = SackChunk()
            false.cumulative_tsn = tsn % (1 << 32)
            await path.near._receive_sack_chunk(false)
        assert path.near._flight_size == in_flight > 0
        await path.has(1)
        assert path.received == [MESSAGE]


async def test_gaps_without_end_cost_nothing() -> None:
    async with opened_path() as path:
        path.near._cwnd = 20 * USERDATA_MAX_LENGTH
        path.channel.send(MESSAGE)
        await asyncio.sleep(0)
        false = SackChunk()
        false.cumulative_tsn = path.near._last_sacked_tsn
        false.gaps = [(40_000, 65_535), (9, 3)] * 140
        passes = asyncio.get_running_loop().time()
        await path.near._receive_sack_chunk(false)
        assert asyncio.get_running_loop().time() == passes
        await path.has(1)
        assert path.received == [MESSAGE]
