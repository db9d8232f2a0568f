"""Five hostile peers at once, over real WebRTC: each is hung up on, holds little, and an honest peer goes on."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from jupyter_webtorrent.net.transport import HIGH_WATER
from jupyter_webtorrent.net.webrtc import WebRtcConnection
from tests.net.hostile_peers import ATTACKS, CONFIG
from tests.net.test_streams import Sink
from tests.net.test_webrtc import connected

FLOODERS = 5
CLOSED_SECONDS = 2.0
HELD_BYTES = 2 << 20


@dataclass
class Victim:
    """Our end of one hostile peer's connection, and what it went through."""

    attack: str
    connection: WebRtcConnection
    seconds: float = 0.0
    """From the open channel to its end."""
    most_held: int = 0
    reason: str = ""

    @property
    def held(self) -> int:
        link = self.connection._link
        waiting = link._ice.queued_bytes + len(self.connection._transport._held)
        return waiting + link._sctp.held_bytes

    async def suffer(self) -> None:
        transport = await self.connection.opened()
        began = time.monotonic()
        sink = Sink()
        transport.start(sink)
        await sink.ended.wait()
        self.seconds = time.monotonic() - began
        self.reason = sink.reasons[0]


@asynccontextmanager
async def hostile_peers(attacks: Sequence[str]) -> AsyncIterator[list[Victim]]:
    """Start them, and answer their offers: the attacks begin."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.net.hostile_peers", *attacks, stdin=PIPE, stdout=PIPE,
        limit=1 << 20,
    )  # fmt: skip
    victims: list[Victim] = []
    try:
        offers = [await _line(process) for _ in attacks]
        answers = []
        for offer in offers:
            connection = await WebRtcConnection.answer(CONFIG, offer["offer"])
            victims.append(Victim(attacks[offer["number"]], connection))
            answers.append({"number": offer["number"], "answer": connection.sdp})
        assert process.stdin is not None
        process.stdin.write(b"".join(json.dumps(each).encode() + b"\n" for each in answers))
        yield victims
    finally:
        for victim in victims:
            await victim.connection.aclose()
        process.kill()
        await process.communicate()


async def _line(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    fields: dict[str, Any] = json.loads(await process.stdout.readline())
    return fields


class HonestTransfer:
    """A stream that goes on all the while, and how far it came."""

    def __init__(self) -> None:
        self.bytes = 0

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        async with connected() as (sender, receiver):
            sink = Sink()
            sender.start(Sink())
            receiver.start(sink)

            async def send() -> None:
                while True:
                    sender.write(bytes(1 << 16))
                    self.bytes += len(sink.received)
                    sink.received.clear()
                    await sender.drain()
                    await asyncio.sleep(0)

            sending = asyncio.create_task(send())
            try:
                yield
                assert not sink.reasons
            finally:
                sending.cancel()
                await asyncio.wait([sending])


async def flood(attacks: Sequence[str]) -> list[Victim]:
    """Hold five hostile peers to the limits while an honest transfer goes on; prints what it saw."""
    assert len(attacks) == FLOODERS
    honest = HonestTransfer()
    async with honest.going_on(), hostile_peers(attacks) as victims:
        began, moved = time.monotonic(), honest.bytes
        suffering = asyncio.gather(*(victim.suffer() for victim in victims))
        async with asyncio.timeout(30):
            while not suffering.done():
                for victim in victims:
                    victim.most_held = max(victim.most_held, victim.held)
                await asyncio.sleep(0)
            await suffering
        rate = (honest.bytes - moved) / (time.monotonic() - began)
    for victim in victims:
        print(
            f"{victim.attack:26} closed after {victim.seconds:5.2f} s,"
            f" held at most {victim.most_held / 1024:6.0f} KiB: {victim.reason}"
        )
    print(f"an honest transfer meanwhile: {rate / 1e6:.1f} MB/s")
    assert honest.bytes > HIGH_WATER
    for victim in victims:
        assert victim.seconds < CLOSED_SECONDS, victim.attack
        assert victim.most_held <= HELD_BYTES, victim.attack
        assert victim.reason.startswith("the peer"), victim.reason
    return victims


@pytest.mark.alone
async def test_five_hostile_peers_are_hung_up_on_soon_and_hold_little() -> None:
    await flood(list(ATTACKS)[:FLOODERS])


@pytest.mark.prove
@pytest.mark.parametrize("attack", list(ATTACKS))
async def test_five_peers_that_attack_alike(attack: str) -> None:
    await flood([attack] * FLOODERS)
