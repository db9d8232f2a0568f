"""What a hostile peer may do inside an association ends the connection, with a reason."""

from __future__ import annotations

from typing import cast

import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    WEBRTC_DCEP,
    AbortChunk,
    Chunk,
    DataChunk,
    serialize_packet,
)

from jupyter_webtorrent.net.webrtc_sctp import MAX_HELD_BYTES, SctpTransport
from tests.net.test_webrtc_tuning import Wire, undisturbed


class Victim:
    """An association with a peer that sends whatever it likes."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        wire = Wire("server", undisturbed)
        self.association = SctpTransport(cast(RTCDtlsTransport, wire), self.reasons.append)
        self.association._last_received_tsn = 0
        self.association._remote_port = 5000

    async def receives(self, chunk: Chunk) -> None:
        tag = self.association._local_verification_tag
        await self.association._handle_data(serialize_packet(5000, 5000, tag, chunk))


def data(tsn: int, *, stream: int = 0, flags: int = 0, size: int = 60_000) -> DataChunk:
    chunk = DataChunk(flags=flags)
    chunk.tsn, chunk.stream_id, chunk.user_data = tsn, stream, bytes(size)
    return chunk


@pytest.mark.parametrize("first_tsn", [1, 2])
async def test_a_message_that_never_ends(first_tsn: int) -> None:
    victim = Victim()
    for tsn in range(first_tsn, first_tsn + MAX_HELD_BYTES // 60_000):
        flags = SCTP_DATA_FIRST_FRAG if tsn == 1 else 0
        await victim.receives(data(tsn, flags=flags))
    assert victim.reasons == []
    await victim.receives(data(first_tsn + MAX_HELD_BYTES // 60_000))
    assert victim.reasons == [f"the peer sent over {MAX_HELD_BYTES} bytes of unfinished messages"]
    await victim.association.stop()


async def test_a_second_stream() -> None:
    victim = Victim()
    await victim.receives(data(1, stream=0))
    await victim.receives(data(2, stream=2))
    assert victim.reasons == ["the peer opened a second data channel"]
    await victim.association.stop()


async def test_a_message_that_aiortc_cannot_read() -> None:
    victim = Victim()
    opening = data(1, flags=3)
    opening.protocol = WEBRTC_DCEP
    opening.user_data = b"\x03" + bytes(7) + b"\x00\x04\x00\x00" + b"\xff" * 4  # a label not UTF-8
    await victim.receives(opening)
    assert victim.reasons == ["the peer broke the rules of SCTP (UnicodeDecodeError)"]
    await victim.association.stop()


async def test_the_end_of_the_association_is_told() -> None:
    victim = Victim()
    await victim.receives(AbortChunk())
    assert victim.reasons == ["the peer closed the connection"]
