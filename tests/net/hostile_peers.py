"""Hostile WebRTC peers in a process of their own: `python -m tests.net.hostile_peers ATTACK…`.

For each attack one offer goes out as a line of JSON, its answer comes in the same way, and once the channel
is open the peer sends its worst until it is hung up on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count

from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    SCTP_DATA_UNORDERED,
    WEBRTC_BINARY,
    WEBRTC_DCEP,
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    HeartbeatChunk,
    serialize_packet,
)

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.webrtc import WebRtcConnection, WebRtcTransport
from jupyter_webtorrent.net.webrtc_config import RtcConfig

CONFIG = RtcConfig(loopback_candidates=True)
WHOLE = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG
CHUNK = 1100
ATTACK_SECONDS = 20.0
PACKETS_AT_ONCE = 8

Attack = Callable[[int], Iterator[Chunk]]
"""Chunks without end, from the first free TSN on."""


def _data(tsn: int, *, flags: int = 0, size: int = CHUNK, stream: int = 1) -> DataChunk:
    chunk = DataChunk(flags=flags)
    chunk.tsn, chunk.stream_id, chunk.protocol = tsn % (1 << 32), stream, WEBRTC_BINARY
    chunk.user_data = bytes(size)
    return chunk


def endless_message(tsn: int) -> Iterator[Chunk]:
    yield _data(tsn, flags=SCTP_DATA_FIRST_FRAG)
    for number in count(tsn + 1):
        yield _data(number)


def holes(tsn: int) -> Iterator[Chunk]:
    return (_data(number, flags=WHOLE) for number in count(tsn + 1, 2))


def channels(tsn: int) -> Iterator[Chunk]:
    for number in count():
        chunk = _data(tsn + number, flags=WHOLE, stream=3 + 2 * number % 60_000)
        chunk.protocol, chunk.user_data = WEBRTC_DCEP, b"\x03" + bytes(11)
        yield chunk


def messages_over_the_maximum(tsn: int) -> Iterator[Chunk]:
    fragments = (1 << 20) // CHUNK
    for number in count():
        first = SCTP_DATA_FIRST_FRAG if number % fragments == 0 else 0
        last = SCTP_DATA_LAST_FRAG if number % fragments == fragments - 1 else 0
        yield _data(tsn + number, flags=first | last)


def unordered_fragments(tsn: int) -> Iterator[Chunk]:
    return (_data(number, flags=SCTP_DATA_UNORDERED, size=1) for number in count(tsn, 2))


def tiny_fragments(tsn: int) -> Iterator[Chunk]:
    return (_data(number, size=1) for number in count(tsn + 1, 2))


def given_up_streams(tsn: int) -> Iterator[Chunk]:
    for number in count():
        chunk = ForwardTsnChunk()
        chunk.cumulative_tsn = tsn + number
        chunk.streams = [
            (stream, 0) for stream in range(number % 200 * 250, number % 200 * 250 + 250)
        ]
        yield chunk


def heartbeats(_: int) -> Iterator[Chunk]:
    return (HeartbeatChunk() for _ in count())


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        endless_message,
        holes,
        channels,
        messages_over_the_maximum,
        unordered_fragments,
        tiny_fragments,
        given_up_streams,
        heartbeats,
    )
}


class Ended(asyncio.Event):
    """A receiver that waits for the end alone."""

    def get_buffer(self) -> memoryview:
        return memoryview(bytearray(1 << 16))

    def buffer_updated(self, count: int) -> None:
        pass

    def closed(self, reason: str) -> None:
        self.set()


async def attack(name: str, number: int, answers: dict[int, asyncio.Future[str]]) -> None:
    connection = await WebRtcConnection.offer(CONFIG)
    try:
        _say(number=number, offer=connection.sdp)
        await connection.accept_answer(await answers[number])
        transport = await connection.opened()
        await _flood(transport, ATTACKS[name])
    except NetError as error:
        _say(number=number, failed=str(error))
    finally:
        await connection.aclose()


async def _flood(transport: WebRtcTransport, chunks: Attack) -> None:
    """Send until the other side hangs up."""
    ended = Ended()
    transport.start(ended)
    association = transport._link._sctp
    near, far = association._local_port, association._remote_port or 0
    tag = association._remote_verification_tag
    until = time.monotonic() + ATTACK_SECONDS
    with contextlib.suppress(ConnectionError):
        for sent, chunk in enumerate(chunks(association._local_tsn), start=1):
            await association.transport._send_data(serialize_packet(near, far, tag, chunk))
            if sent % PACKETS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if ended.is_set() or time.monotonic() > until:
                return


def _say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


async def main(names: list[str]) -> None:
    loop = asyncio.get_running_loop()
    answers = {number: loop.create_future() for number in range(len(names))}
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    attacks = asyncio.gather(*(attack(name, number, answers) for number, name in enumerate(names)))
    for _ in names:
        answer = json.loads(await reader.readline())
        answers[answer["number"]].set_result(answer["answer"])
    await attacks


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
