"""A crowd of honest peers and a gang of vandals at a tracker: `python -m tests.tracker.flood PORT CROWD OFFERS …`.

A process of its own, so that its work is not taken for the tracker's. It writes WebSocket frames by hand: the point is
to send more than the tracker can like, not to be a good client. Says how much it sent, as JSON, and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import cycle

from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.ws_messages import Announce, Offer
from jupyter_webtorrent.protocol.ws_tracker import encode_request

VANDALS = 100
OFFERS_AN_ANNOUNCE = 5
SDP = "v=0\r\n" + "a=candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host\r\n" * 10
HASHES = [InfoHash(bytes([number]) * 20) for number in range(1, 11)]
RECONNECT_SECONDS = 0.05
BAD_QUERIES_AT_ONCE = 20


def frame(text: str | bytes, opcode: int = 1) -> bytes:
    """A client's WebSocket frame (RFC 6455, 5.2), masked with zeros."""
    data = text.encode() if isinstance(text, str) else text
    if len(data) < 126:
        head = struct.pack(">BB", 0x80 | opcode, 0x80 | len(data))
    elif len(data) < 1 << 16:
        head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, len(data))
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, len(data))
    return head + bytes(4) + data


def malformed() -> Iterator[tuple[bytes, int]]:
    """Frames that no tracker should take, and how often each is sent among the others."""
    whole: dict[str, object] = {
        "action": "announce",
        "info_hash": "h" * 20,
        "peer_id": "p" * 20,
        "numwant": 5,
    }
    offer = {"offer": {"type": "offer", "sdp": "x"}, "offer_id": "o" * 20}

    def changed(**members: object) -> str:
        return json.dumps({**whole, **members})

    for text in (
        changed(offers=[None]),
        changed(offers=[None] * 100_000),
        changed(offers=None, info_hash=None),
        changed(offers={"a": 1}),
        changed(offers=[offer] * 11),
        changed(offers=[{**offer, "offer_id": "ÿ" * 21}]),
        changed(offers=[{**offer, "offer": None}]),
        changed(offers=[{**offer, "offer": {"type": "answer", "sdp": 3}}]),
        changed(info_hash="\u0100" * 20),
        changed(info_hash=["h"] * 20),
        changed(peer_id=None),
        changed(peer_id="x"),
        changed(left=-1, uploaded=1e400),
        changed(left="NaN", event=[[]]),
        changed(numwant=[1], event=7),
        changed(event="stopped", numwant=10**30),
        changed(action="scrape", info_hash=[None]),
        changed(action="scrape", info_hash=["h" * 20] * 101),
        changed(action=None),
        changed(answer={"type": "answer", "sdp": "x"}, to_peer_id="q" * 20, offer_id="o" * 20),
        changed(answer=[], to_peer_id=1),
        "null",
        "[]",
        "",
        "{",
        "[" * 100_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        '"' + "\\ud800" * 10 + '"',
        changed(offers=[{**offer, "offer": {"type": "offer", "sdp": "x" * 20_000}}]),
    ):
        yield frame(text), 10 if len(text) < 10_000 else 1
    yield frame(b"\xff\xfe\x00", opcode=2), 10
    yield frame(changed(offers=[{**offer, "offer": {"type": "offer", "sdp": "x" * 5_000_000}}])), 0


class Socket(asyncio.Protocol):
    """A WebSocket that reads nothing of what it gets."""

    def __init__(self) -> None:
        self.open: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.lost = asyncio.Event()
        self.can_write = asyncio.Event()
        self.can_write.set()
        self.received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(
            b"GET /announce HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if not self.open.done():
            self.open.set_result(b" 101 " in data)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.open.done():
            self.open.set_result(False)
        self.lost.set()
        self.can_write.set()

    def pause_writing(self) -> None:
        self.can_write.clear()

    def resume_writing(self) -> None:
        self.can_write.set()

    async def send(self, data: bytes) -> bool:
        """False once the tracker has hung up."""
        await self.can_write.wait()
        if self.lost.is_set():
            return False
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.write(data)
        return True


class Flood:
    def __init__(self, port: int) -> None:
        self.port = port
        self.counts: Counter[str] = Counter()
        self.kinds = [wire for wire, often in malformed() for _ in range(often)]
        self.huge = [wire for wire, often in malformed() if not often]

    async def connect(self) -> Socket:
        while True:
            try:
                _, socket = await asyncio.get_running_loop().create_connection(
                    Socket, "127.0.0.1", self.port
                )
                if await socket.open:
                    self.counts["sockets"] += 1
                    return socket
            except OSError:
                pass
            self.counts["refused sockets"] += 1
            await asyncio.sleep(RECONNECT_SECONDS)

    async def honest(self, number: int, rate: float, start: float, end: float) -> None:
        """One of the crowd: `rate` offers a second of its own, evenly."""
        loop = asyncio.get_running_loop()
        rng = random.Random(number)
        every = OFFERS_AN_ANNOUNCE / rate
        socket = await self.connect()
        announce = Announce(
            info_hash=HASHES[number % len(HASHES)],
            peer_id=PeerId(b"-JW0010-%012d" % number),
            left=number % 3,
            numwant=OFFERS_AN_ANNOUNCE,
            offers=tuple(Offer(rng.randbytes(20), SDP) for _ in range(OFFERS_AN_ANNOUNCE)),
        )
        wire = frame(encode_request(announce))
        due = start + rng.random() * every
        while due < end:
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not await socket.send(wire):
                self.counts["honest sockets lost"] += 1
                socket = await self.connect()
                continue
            self.counts["offers"] += OFFERS_AN_ANNOUNCE
            due += every
        self.counts["bytes received"] += socket.received

    async def vandal(self, number: int, frames: int) -> None:
        """So many malformed frames as fast as they go, one in a thousand of 5 MB."""
        kinds = cycle(self.kinds[number % len(self.kinds) :] + self.kinds)
        socket = await self.connect()
        for sent in range(frames):
            wire = self.huge[0] if sent % 1000 == 500 else next(kinds)
            while not await socket.send(wire):
                socket = await self.connect()
            self.counts["malformed frames"] += 1
        # What was written must have been taken before this counts as sent.
        assert isinstance(socket.transport, asyncio.WriteTransport)
        socket.transport.close()
        await socket.lost.wait()

    async def bad_queries(self, count: int) -> None:
        targets = cycle(
            [
                "/announce",
                "/announce?info_hash=" + "%ff" * 20,
                "/announce?" + "&" * 4000,
                "/announce?info_hash=%00%zz&port=99999999999999999999&left=-",
                "/announce/" + "x" * 150 + "?peer_id=" + "%c3%28" * 10,
                "/scrape?" + "&".join(["info_hash=" + "x" * 20] * 101),
                "/scrape?info_hash",
                "/" + "a" * 9000,
                "/announce?\x00\xff",
            ]
        )
        for _ in range(count):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(f"GET {next(targets)} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"))
                await reader.read()
                writer.close()
            except OSError:
                self.counts["refused queries"] += 1
            self.counts["malformed queries"] += 1


async def run(options: argparse.Namespace) -> Counter[str]:
    flood = Flood(options.port)
    loop = asyncio.get_running_loop()
    start = loop.time() + 1.0
    end = start + options.seconds
    rate = options.offers / options.crowd
    async with asyncio.TaskGroup() as tasks:
        for number in range(options.crowd):
            tasks.create_task(flood.honest(number, rate, start, end))
        await asyncio.sleep(1.0)  # the crowd is there first
        for number in range(VANDALS):
            tasks.create_task(flood.vandal(number, options.frames // VANDALS))
        for _ in range(BAD_QUERIES_AT_ONCE):
            tasks.create_task(flood.bad_queries(options.queries // BAD_QUERIES_AT_ONCE))
    flood.counts["seconds"] = round(loop.time() - start)
    return flood.counts


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("port", "crowd", "offers", "frames", "queries", "seconds"):
        parser.add_argument(name, type=int)
    counts = asyncio.run(run(parser.parse_args()))
    print(json.dumps({"event": "flooded", **counts}), flush=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
