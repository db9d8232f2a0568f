"""What a hostile peer may do inside an association ends the connection, with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import cast

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    SCTP_DATA_UNORDERED,
    WEBRTC_DCEP,
    AbortChunk,
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    InitChunk,
    serialize_packet,
)
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.net.webrtc_sctp import (
    CHUNK_COST,
    MAX_HELD_BYTES,
    MAX_HELD_CHUNKS,
    MAX_TSN_AHEAD,
    SctpTransport,
)
from jupyter_webtorrent.net.webrtc_sdp import ACCEPTED_MESSAGE_BYTES
from tests.net.test_webrtc_tuning import Wire, undisturbed

pytestmark = pytest.mark.looptime

WHOLE = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG
CHUNK = 1100


class Victim:
    """An association with a peer that sends whatever it likes."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.wire = Wire("server", undisturbed)
        self.association = SctpTransport(cast(RTCDtlsTransport, self.wire), self.reasons.append)
        self.association._last_received_tsn = 0
        self.association._remote_port = 5000

    async def receives(self, chunk: Chunk) -> None:
        tag = self.association._local_verification_tag
        tag = 0 if isinstance(chunk, InitChunk) else tag
        await self.association._handle_data(serialize_packet(5000, 5000, tag, chunk))

    async def suffers(self, chunks: Iterator[Chunk], at_most: int) -> int:
        """Receive until the connection is broken, at most so many; returns how many it took."""
        for number in range(1, at_most + 1):
            await self.receives(next(chunks))
            if self.reasons:
                return number
        raise AssertionError(f"still not broken after {at_most} chunks")

    async def end(self) -> None:
        await self.association.stop()
        await asyncio.sleep(1)  # for the acknowledgements that wait for more


def data(tsn: int, *, stream: int = 0, flags: int = 0, size: int = CHUNK) -> DataChunk:
    chunk = DataChunk(flags=flags)
    chunk.tsn, chunk.stream_id, chunk.user_data = tsn, stream, bytes(size)
    return chunk


def one_endless_message() -> Iterator[Chunk]:
    yield data(1, flags=SCTP_DATA_FIRST_FRAG)
    for tsn in count(2):
        yield data(tsn)


def behind_a_hole() -> Iterator[Chunk]:
    return (data(tsn) for tsn in count(2))


def every_second_chunk() -> Iterator[Chunk]:
    return (data(tsn, flags=WHOLE) for tsn in count(2, 2))


def backwards() -> Iterator[Chunk]:
    return (data(tsn, size=1) for tsn in range(5000, 1, -1))


def tiny_fragments() -> Iterator[Chunk]:
    return (data(tsn, size=1) for tsn in count(2))


def messages_out_of_turn() -> Iterator[Chunk]:
    for tsn in count(1):
        chunk = data(tsn, flags=WHOLE)
        chunk.stream_seq = tsn % 1000 + 1
        yield chunk


def heartbeats() -> Iterator[Chunk]:
    return (HeartbeatChunk() for _ in count())


@pytest.mark.parametrize(
    "attack",
    [
        one_endless_message,
        behind_a_hole,
        every_second_chunk,
        backwards,
        tiny_fragments,
        messages_out_of_turn,
        heartbeats,
    ],
)
async def test_what_never_ends_is_ended(attack: Callable[[], Iterator[Chunk]]) -> None:
    victim = Victim()
    await victim.suffers(attack(), 3000)
    assert victim.association.held_bytes <= MAX_HELD_BYTES + CHUNK + CHUNK_COST
    assert victim.association._held_chunks <= MAX_HELD_CHUNKS + 1
    assert len(victim.association._sack_misordered) <= MAX_HELD_CHUNKS + 1
    assert len(victim.reasons) == 1
    await victim.end()


async def test_a_message_of_the_largest_size_is_taken_and_no_larger_one() -> None:
    victim = Victim()
    most = ACCEPTED_MESSAGE_BYTES // CHUNK
    await victim.receives(data(1, flags=SCTP_DATA_FIRST_FRAG))
    for tsn in range(2, most + 1):
        await victim.receives(data(tsn))
    assert victim.reasons == []
    await victim.receives(data(most + 1))
    assert victim.reasons == [f"the peer sent a message of over {ACCEPTED_MESSAGE_BYTES} bytes"]
    await victim.end()


async def test_a_full_window_behind_a_hole_is_no_offence() -> None:
    victim = Victim()
    for tsn in range(2, 2 + (1 << 20) // CHUNK):
        await victim.receives(data(tsn, flags=WHOLE))
    assert victim.reasons == []
    await victim.end()


def unordered() -> Chunk:
    return data(1, flags=WHOLE | SCTP_DATA_UNORDERED)


def far_beyond() -> Chunk:
    return data(MAX_TSN_AHEAD)


def forward_tsn() -> Chunk:
    chunk = ForwardTsnChunk()
    chunk.cumulative_tsn = 10
    chunk.streams = [(stream, 1) for stream in range(300)]
    return chunk


def of_an_unknown_kind() -> Chunk:
    chunk = data(1, flags=WHOLE)
    chunk.protocol = 99
    return chunk


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (unordered, "the peer's data channel is not ordered and reliable"),
        (far_beyond, "the peer sent data far beyond what it sent before"),
        (forward_tsn, "the peer gave up data on a reliable channel"),
        (of_an_unknown_kind, "the peer sent a message of an unknown kind"),
    ],
)
async def test_one_chunk_that_breaks_a_rule(make: Callable[[], Chunk], reason: str) -> None:
    victim = Victim()
    await victim.receives(make())
    assert victim.reasons == [reason]
    assert not victim.association._inbound_streams or victim.association.held_bytes == 0
    await victim.receives(data(2, stream=9))  # nothing more is looked at
    assert victim.reasons == [reason]
    await victim.end()


async def test_a_second_stream() -> None:
    victim = Victim()
    await victim.receives(data(1, stream=0))
    await victim.receives(data(2, stream=2))
    assert victim.reasons == ["the peer opened a second data channel"]
    await victim.end()


async def test_an_association_does_not_begin_anew() -> None:
    victim = Victim()
    victim.association._set_state(victim.association.State.ESTABLISHED)
    init = InitChunk()
    init.initial_tsn, init.initiate_tag, init.advertised_rwnd = 1000, 7, 1 << 20
    init.inbound_streams = init.outbound_streams = 1
    await victim.receives(init)
    assert victim.association._last_received_tsn == 0
    assert victim.reasons == []
    await victim.end()


async def test_a_message_that_aiortc_cannot_read() -> None:
    victim = Victim()
    opening = data(1, flags=WHOLE)
    opening.protocol = WEBRTC_DCEP
    opening.user_data = b"\x03" + bytes(7) + b"\x00\x04\x00\x00" + b"\xff" * 4  # a label not UTF-8
    await victim.receives(opening)
    assert victim.reasons == ["the peer broke the rules of SCTP (UnicodeDecodeError)"]
    await victim.end()


async def test_the_end_of_the_association_is_told() -> None:
    victim = Victim()
    await victim.receives(AbortChunk())
    assert victim.reasons == ["the peer closed the connection"]


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=8),
    first_tsn=st.sampled_from([1, (1 << 31) - 3, (1 << 32) - 5]),
    random=st.randoms(use_true_random=False),
)
async def test_messages_come_out_whole_and_in_order_however_their_chunks_arrive(
    sizes: list[int], first_tsn: int, random: Random
) -> None:
    victim = Victim()
    victim.association._last_received_tsn = (first_tsn - 1) % (1 << 32)
    heard: list[bytes] = []

    async def hear(stream_id: int, pp_id: int, message: bytes) -> None:
        heard.append(message)

    victim.association._receive = hear  # type: ignore[assignment, method-assign]
    chunks: list[DataChunk] = []
    messages: list[bytes] = []
    for number, size in enumerate(sizes):
        messages.append(b"".join(b"%d.%d " % (number, part) for part in range(size)))
        for part in range(size):
            first = SCTP_DATA_FIRST_FRAG if part == 0 else 0
            last = SCTP_DATA_LAST_FRAG if part == size - 1 else 0
            chunk = data((first_tsn + len(chunks)) % (1 << 32), flags=first | last)
            chunk.stream_seq, chunk.user_data = number, b"%d.%d " % (number, part)
            chunks.append(chunk)
    last_tsn = chunks[-1].tsn
    arriving = [*chunks, *random.choices(chunks, k=3)]  # some of them twice
    random.shuffle(arriving)
    for chunk in arriving:
        await victim.receives(chunk)
    assert heard == messages
    assert victim.association.held_bytes == 0
    assert victim.association._last_received_tsn == last_tsn
    assert not victim.association._sack_misordered
    assert victim.reasons == []
    await victim.end()
