"""A swarm in virtual time in which some send wrong bytes and others drop out at random, and what it costs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from jupyter_webtorrent.engine.block_reader import BlockReader
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.protocol.identity import PeerId
from jupyter_webtorrent.swarm.piece_download import Verdict
from tests.engine.classroom import Machine, all_done, classroom, digest, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

PIECE_LENGTH = 1 << 16
"""Four blocks, so that pieces are mixed of several peers' blocks."""
HOME = Link(latency=0.03, loss=0.002, rate=400_000)
CHANCES = (1.0, 0.5, 0.2, 0.05)
"""How likely a culprit's block is wrong; they take these in turn."""


class CorruptReader:
    """What a culprit sends from: its own blocks, some of them wrong."""

    def __init__(self, reader: BlockReader, chance: float, random: Random) -> None:
        self._reader = reader
        self._chance = chance
        self._random = random

    def cached(self, index: int, begin: int, length: int) -> memoryview | None:
        block = self._reader.cached(index, begin, length)
        return None if block is None else self._spoilt(block)

    async def read(self, index: int, begin: int, length: int) -> memoryview:
        return self._spoilt(await self._reader.read(index, begin, length))

    async def aclose(self) -> None:
        await self._reader.aclose()

    def _spoilt(self, block: memoryview) -> memoryview:
        if self._random.random() >= self._chance:
            return block
        wrong = bytearray(block)
        wrong[self._random.randrange(len(wrong))] ^= 1 << self._random.randrange(8)
        return memoryview(wrong)


@dataclass
class Witness:
    """What one honest downloader got, held against the true bytes."""

    machine: Machine
    torrent: Torrent
    truth: bytes
    bad_pieces: Counter[PeerId] = field(default_factory=Counter)
    """Failed pieces in which a peer's block was wrong."""

    def watch(self) -> None:
        downloader = self.torrent.swarm.downloader
        assert downloader is not None
        stored, layout = downloader.stored, downloader.layout

        def witnessed(index: int, *, ok: bool) -> Verdict:
            if not ok:
                download = downloader._storing[index]
                start = layout.offset(index)
                liars = set()
                for number, sender in enumerate(download.senders):
                    begin, length = layout.block(index, number)
                    right = self.truth[start + begin : start + begin + length]
                    if download.data[begin : begin + length] != right:
                        assert sender is not None
                        liars.add(sender.handshake.peer_id)
                self.bad_pieces.update(liars)
            return stored(index, ok=ok)

        downloader.stored = witnessed  # type: ignore[method-assign]

    def banned(self, peer_id: PeerId) -> bool:
        return self.machine.session._services.bans.bars_peer(peer_id, "")


@dataclass
class Outcome:
    """What became of a swarm."""

    seconds: float
    identical: bool
    culprits: int
    most_bad_pieces: int
    """Of one culprit at one downloader."""
    bad_pieces: int
    at_large: int
    """Culprits that a downloader took a bad piece from and did not ban."""
    honest_banned: int
    waste: float
    """Of all bytes that honest peers received, the part that was not used."""

    def __str__(self) -> str:
        return (
            f"{self.seconds:.0f} s; {self.culprits} culprits sent {self.bad_pieces} bad pieces,"
            f" at most {self.most_bad_pieces} each to one peer; {self.at_large} of them at large,"
            f" {self.honest_banned} honest peers banned; waste {self.waste:.1%}"
        )


@contextmanager
def piece_length(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(
            "jupyter_webtorrent.storage.create.choose_piece_length", lambda _: PIECE_LENGTH
        )
        yield


async def poisoned_swarm(
    folder: Path, size: int, *, honest: int, culprits: int, droppers: int, seed: int = 1
) -> Outcome:
    """One honest seed; half of the culprits are seeds too, half fetch; all others fetch."""
    random = Random(seed)
    data = write_random(folder / "data.bin", size, seed=seed)
    truth = data.read_bytes()
    loop = asyncio.get_running_loop()
    async with classroom(folder, HOME) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        liars = await room.machines("liar", culprits)
        students = await room.machines("student", honest - 1)
        leavers = await room.machines("leaver", droppers)
        known = [teacher.address]
        tasks: list[asyncio.Task[None]] = []
        witnesses: list[Witness] = []

        for number, liar in enumerate(liars):
            if number < culprits // 2:
                torrent = await liar.share(data)
            else:
                torrent = await liar.fetch(shared, known)
            chance = CHANCES[number % len(CHANCES)]
            tasks.append(asyncio.create_task(corrupt(torrent, chance, Random(number))))
            known.append(liar.address)
        for machine in (*students, *leavers):
            witness = Witness(machine, await machine.fetch(shared, known), truth)
            witnesses.append(witness)
            tasks.append(asyncio.create_task(watch(witness)))
            known.append(machine.address)
        tasks += [
            asyncio.create_task(drop_at_random(witness.torrent, random))
            for witness in witnesses[len(students) :]
        ]
        await all_done([witness.torrent for witness in witnesses], 3600)
        seconds = loop.time()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return judge(witnesses, liars, [teacher, *students, *leavers], digest(data), seconds)


async def corrupt(torrent: Torrent, chance: float, random: Random) -> None:
    while torrent.data.disk.reader is None:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.001)
    torrent.data.disk.reader = CorruptReader(torrent.data.disk.reader, chance, random)  # type: ignore[assignment]


async def watch(witness: Witness) -> None:
    while witness.torrent.swarm.downloader is None:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.001)
    witness.watch()


async def drop_at_random(torrent: Torrent, random: Random) -> None:
    while True:
        await asyncio.sleep(random.uniform(0.5, 5.0))
        connections = torrent.peering.connections.shaken()
        if connections:
            random.choice(connections)[1].close("dropped at random")


def judge(
    witnesses: list[Witness],
    liars: list[Machine],
    honest: list[Machine],
    expected: dict[str, str],
    seconds: float,
) -> Outcome:
    def own_id(machine: Machine) -> PeerId:
        return machine.session._services.peer_id

    liar_ids, honest_ids = {*map(own_id, liars)}, {*map(own_id, honest)}
    assert {peer for witness in witnesses for peer in witness.bad_pieces} <= liar_ids
    counts = [count for witness in witnesses for count in witness.bad_pieces.values()]
    downloaders = [witness.torrent.swarm.downloader for witness in witnesses]
    wasted = sum(each.wasted_bytes for each in downloaders if each is not None)
    received = sum(witness.torrent.swarm.down.total for witness in witnesses)
    return Outcome(
        seconds=seconds,
        identical=all(digest(w.machine.folder / "data.bin") == expected for w in witnesses),
        culprits=len({peer for witness in witnesses for peer in witness.bad_pieces}),
        most_bad_pieces=max(counts, default=0),
        bad_pieces=sum(counts),
        at_large=sum(not w.banned(peer) for w in witnesses for peer in w.bad_pieces),
        honest_banned=sum(w.banned(peer) for w in witnesses for peer in honest_ids),
        waste=wasted / received,
    )


def hold(outcome: Outcome, *, culprits: int) -> None:
    assert outcome.identical
    assert outcome.culprits == culprits
    assert outcome.most_bad_pieces <= 3
    assert outcome.at_large == 0
    assert outcome.honest_banned == 0
    assert outcome.waste <= 0.10


async def test_a_poisoned_swarm_gets_its_data_and_bans_the_culprits_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with piece_length(monkeypatch):
        outcome = await poisoned_swarm(tmp_path, 6 << 20, honest=5, culprits=4, droppers=2)
    print(outcome)
    hold(outcome, culprits=4)


@pytest.mark.prove
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_thirty_peers_with_eight_culprits_and_eight_that_drop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    with piece_length(monkeypatch):
        outcome = await poisoned_swarm(
            tmp_path, 16 << 20, honest=14, culprits=8, droppers=8, seed=seed
        )
    print(f"30 peers, 16 MiB, seed {seed}: {outcome}")
    hold(outcome, culprits=8)
