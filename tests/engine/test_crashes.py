"""kill -9 at random moments of a transfer: what was verified is not fetched again, and no wrong byte leaves."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest
from jupyter_webtorrent.swarm import peer_book
from jupyter_webtorrent.swarm.swarm import Swarm
from tests.engine.classroom import write_random

MIB = 1 << 20
START_SECONDS = 3.0
ROUND_SECONDS = 60.0


@dataclass
class Outcome:
    """What all rounds together showed."""

    kills: int = 0
    amid_transfer: int = 0
    starts: list[float] = field(default_factory=list)
    """Until the session was up and its torrents back."""
    process_starts: list[float] = field(default_factory=list)
    """The same from the process's start, as slow as the machine is busy."""
    fetched_again: list[int] = field(default_factory=list)
    """Bytes that were verified before the kill, and not known after it."""
    served: int = 0
    """Bytes that the friend fetched from the process that was killed."""
    bad_pieces: int = 0


class Survivor:
    """A running `tests.engine.survivor`."""

    def __init__(self, process: asyncio.subprocess.Process, started: float) -> None:
        self._process = process
        self._started = started
        self.start_seconds = 0.0
        self.have = 0

    @classmethod
    async def start(cls, *arguments: str) -> Survivor:
        started = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.engine.survivor",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(process, started)

    async def until(self, event: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if said["event"] == "started":
                self.start_seconds = time.monotonic() - self._started
            self.have = said.get("have", self.have)
            if said["event"] == event:
                return dict(said)
        raise AssertionError(f"it ended without saying {event!r}")

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.have = json.loads(line).get("have", self.have)
        await self._process.wait()


@asynccontextmanager
async def slow_way_to(port: int, rate: int) -> AsyncIterator[int]:
    """A port of this machine that leads to another, at so many bytes per second."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(rate // 50):
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(len(data) / rate)
        writer.close()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))
        finally:
            writer.close()
            there_writer.close()

    ways: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ways.add(asyncio.create_task(lead(reader, writer)))

    server = await asyncio.start_server(accepted, "127.0.0.1")
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await server.wait_closed()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def config() -> EngineConfig:
    return EngineConfig(
        trackers=(),
        transports=frozenset({"tcp"}),
        listen_host="127.0.0.1",
        lan_discovery=False,
        pex=False,
    )


async def crash_again_and_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, rounds: int, size: int, rate: int
) -> Outcome:
    """Each round: fetch, kill at a random moment, start again, fetch to the end, compare every byte."""
    outcome = Outcome()
    piece_stored = Swarm.piece_stored

    def counted(swarm: Swarm, index: int, now: float, *, ok: bool) -> None:
        outcome.bad_pieces += not ok
        piece_stored(swarm, index, now, ok=ok)

    monkeypatch.setattr(Swarm, "piece_stored", counted)
    monkeypatch.setattr(peer_book, "LONGEST_RETRY_SECONDS", 0.2)  # the friend does not give up
    random = Random(50)
    data = write_random(folder / "source" / "data.bin", size)
    expected = hashlib.sha256(data.read_bytes()).digest()
    async with Session(config()) as teacher:
        shared = await teacher.share(ShareRequest(paths=[str(data)]))
        assert teacher.listening is not None
        link = f"magnet:?xt=urn:btih:{shared.info_hash}"
        async with slow_way_to(teacher.listening.port, rate) as way:
            for number in range(rounds):
                place = folder / "round"
                (place / "download").mkdir(parents=True)
                port = free_port()
                arguments = (
                    *(link, "--peer", f"127.0.0.1:{way}", "--port", str(port)),
                    *("--folder", str(place / "download"), "--state", str(place / "state")),
                    *("--batch-seconds", "5" if number % 2 else "0.2"),
                )
                moment = random.uniform(0.0, size / rate)
                async with asyncio.timeout(ROUND_SECONDS), friend_of(link, port, folder) as friend:
                    await crash_once(arguments, moment, outcome, size)
                    outcome.served += friend.swarm.down.total
                found = (place / "download" / "data.bin").read_bytes()
                assert hashlib.sha256(found).digest() == expected
                assert [path.name for path in (place / "download").iterdir()] == ["data.bin"]
                shutil.rmtree(place)
    return outcome


@asynccontextmanager
async def friend_of(link: str, port: int, folder: Path) -> AsyncIterator[Any]:
    """Someone who fetches, all the while, from the process that is killed."""
    place = folder / "friend"
    place.mkdir()
    async with Session(config()) as session:
        request = FetchRequest(link=link, folder=str(place), peers=[f"127.0.0.1:{port}"])
        yield await session.fetch(request)
    shutil.rmtree(place)


async def crash_once(
    arguments: tuple[str, ...], moment: float, outcome: Outcome, size: int
) -> None:
    first = await Survivor.start(*arguments)
    try:
        await first.until("resumed")
        reading = asyncio.create_task(first.until("complete"))
        await asyncio.wait([reading], timeout=moment)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    finally:
        await first.kill()
    outcome.kills += 1
    outcome.amid_transfer += 0 < first.have < size
    second = await Survivor.start(*arguments)
    try:
        started = await second.until("started")
        assert started["torrents"] == 1
        resumed = await second.until("resumed")
        complete = await second.until("complete")
    finally:
        await second.kill()
    outcome.starts.append(started["seconds"])
    outcome.process_starts.append(second.start_seconds)
    outcome.fetched_again.append(max(0, first.have - resumed["have"]))
    # What came again is not more than what was on its way.
    assert complete["down"] <= size - resumed["have"] + MIB


def require(outcome: Outcome) -> None:
    assert outcome.bad_pieces == 0
    assert outcome.served > 0
    assert max(outcome.starts) < START_SECONDS
    assert max(outcome.fetched_again) == 0  # the last batch's data was checked instead


@pytest.mark.timeout(90)
async def test_a_killed_transfer_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(
        await crash_again_and_again(tmp_path, monkeypatch, rounds=3, size=12 * MIB, rate=12_000_000)
    )


@pytest.mark.prove
@pytest.mark.timeout(1800)
async def test_a_transfer_killed_at_fifty_moments_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = await crash_again_and_again(
        tmp_path, monkeypatch, rounds=50, size=96 * MIB, rate=40_000_000
    )
    print(
        f"\n{outcome.kills} kills, {outcome.amid_transfer} of them amid the transfer:"
        f" all byte-identical; at most {max(outcome.fetched_again):,} verified bytes came again;"
        f" {outcome.bad_pieces} bad pieces among {outcome.served / 1e6:,.0f} MB that a friend got;"
        f" slowest start {max(outcome.starts):.2f} s, with its process {max(outcome.process_starts):.2f} s"
    )
    require(outcome)
    assert max(outcome.process_starts) < START_SECONDS


@pytest.mark.timeout(60)
async def test_what_is_only_read_is_not_fetched_whole_after_a_kill(tmp_path: Path) -> None:
    data = write_random(tmp_path / "source" / "data.bin", 12 * MIB)
    async with Session(config()) as teacher:
        shared = await teacher.share(ShareRequest(paths=[str(data)]))
        arguments = (
            *(f"magnet:?xt=urn:btih:{shared.info_hash}", "--peer", str(teacher.listening)),
            *("--port", str(free_port()), "--state", str(tmp_path / "state")),
            *("--batch-seconds", "5", "--on-demand"),
        )
        first = await Survivor.start(*arguments)
        try:
            read = await first.until("read")
            for _ in range(75):  # what was added is written soon, though not at once
                await first.until("progress")
        finally:
            await first.kill()
        assert MIB <= read["have"] < 2 * MIB
        second = await Survivor.start(*arguments)
        try:
            assert (await second.until("started"))["torrents"] == 1
            assert (await second.until("resumed"))["have"] == read["have"]
            while not (await second.until("progress"))["peers"]:
                pass
            for _ in range(25):
                progress = await second.until("progress")
            assert progress["have"] == read["have"]
        finally:
            await second.kill()
