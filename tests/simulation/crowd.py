"""A crowd that fetches one torrent from one seed: who joins when, who knows whom, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from statistics import median

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.metainfo import HASH_BYTES, Info, TorrentFile
from tests.simulation.clock import VirtualClock
from tests.simulation.machine import Machine, connect
from tests.simulation.network import AccessLink

MAX_CONNECTIONS = 55
FROM_TRACKER = 30
"""Peers that a tracker names, and below which a machine asks its peers for more (as with PEX)."""
ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Member:
    """A machine of the crowd. Rates are bytes per second, times seconds from the beginning."""

    up: float
    down: float
    latency: float = 0.01
    joins: float = 0.0
    leaves: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """One run: the first member is the seed."""

    name: str
    members: Sequence[Member]
    pieces: int
    piece_length: int
    seed: int = 1

    @property
    def total(self) -> int:
        return self.pieces * self.piece_length

    @property
    def fluid_bound(self) -> float:
        """Seconds that no schedule can beat when all join at once and stay."""
        seed, *others = self.members
        everything = sum(member.up for member in self.members)
        return max(
            self.total / seed.up,
            self.total / min(member.down for member in others),
            len(others) * self.total / everything,
        )


@dataclass(slots=True)
class Outcome:
    """How a run went. Seconds, but for the numbers without a unit."""

    crowd: Crowd
    unfinished: int = 0
    times: list[float] = field(default_factory=list)
    """From joining to complete, of those who stayed."""
    ended_at: float = 0.0
    longest_wait: float = 0.0
    """The longest time that a machine which had not all was given nothing."""
    seed_copies: float = 0.0
    """What the seed sent, in copies of the torrent."""
    wasted: float = 0.0
    """Blocks that came twice, of all that came."""

    @property
    def ratio(self) -> float:
        """The makespan over the fluid bound."""
        return self.ended_at / self.crowd.fluid_bound

    @property
    def last_over_median(self) -> float:
        return max(self.times) / median(self.times)

    def __str__(self) -> str:
        return (
            f"{self.crowd.name:34} {self.crowd.fluid_bound:8.1f} {self.ended_at:8.1f} {self.ratio:6.2f}"
            f" {self.last_over_median:7.2f} {self.longest_wait:7.1f} {self.seed_copies:6.2f}"
            f" {self.wasted:7.2%}"
        )


HEADINGS = (
    f"{'crowd':34} {'bound s':>8} {'took s':>8} {'ratio':>6} {'last/md':>7} {'wait s':>7} {'seed':>6}"
    f" {'wasted':>7}"
)


class _Run:
    """The machines, and the tracker that makes them known to each other."""

    def __init__(self, crowd: Crowd) -> None:
        self.clock = VirtualClock()
        self.machines: list[Machine] = []
        """Who is there."""
        self.everybody: list[Machine] = []
        self.unfinished = len(crowd.members) - 1
        self._crowd = crowd
        self._random = Random(crowd.seed)
        file = TorrentFile(("data.bin",), crowd.total)
        hashes = bytes(HASH_BYTES * crowd.pieces)
        self._info = Info.build("data.bin", crowd.piece_length, hashes, [file], single_file=True)
        for number, member in enumerate(crowd.members):
            self.clock.at(member.joins, partial(self._join, number, member))

    def _join(self, number: int, member: Member) -> None:
        link = AccessLink(self.clock, member.up, member.down, member.latency)
        have = Bitfield(self._crowd.pieces) if number else Bitfield.full(self._crowd.pieces)
        name = f"{self._crowd.seed}.{number}"
        machine = Machine(name, self._info, self._info.info_hash, link, have)
        known = self._random.sample(self.machines, min(FROM_TRACKER, len(self.machines)))
        self.machines.append(machine)
        self.everybody.append(machine)
        for other in known:
            self._meet(machine, other)
        self.clock.at(self.clock.now + ASK_SECONDS, partial(self._ask_peers, machine))
        if member.leaves is not None:
            self.clock.at(member.leaves, partial(self._leave, machine))

    def _leave(self, machine: Machine) -> None:
        if not machine.gone:
            self.machines.remove(machine)
            machine.leave()

    def _ask_peers(self, machine: Machine) -> None:
        """One neighbour names its own, as PEX does; who has none left asks the tracker again."""
        if machine.gone:
            return
        if machine.completed_at is None and len(machine.connections) < FROM_TRACKER:
            neighbours = list(machine.neighbours)
            source = self._random.choice(neighbours) if neighbours else None
            named = list(source.neighbours) if source is not None else self.machines
            room = FROM_TRACKER - len(machine.connections)
            for other in self._random.sample(named, min(room, len(named))):
                self._meet(machine, other)
        self.clock.at(self.clock.now + ASK_SECONDS, partial(self._ask_peers, machine))

    def _meet(self, machine: Machine, other: Machine) -> None:
        both = (machine, other)
        if machine is other or other in machine.neighbours:
            return
        if all(each.completed_at is not None for each in both):
            return
        if all(len(each.connections) < MAX_CONNECTIONS for each in both):
            connect(machine, other)

    def is_over(self) -> bool:
        return len(self.everybody) == len(self._crowd.members) and all(
            machine.gone or machine.completed_at is not None for machine in self.everybody
        )


def run(crowd: Crowd, *, limit: float = 20.0) -> Outcome:
    """Let the crowd fetch; gives up after `limit` times the fluid bound."""
    simulation = _Run(crowd)
    step = crowd.fluid_bound / 100
    until = 0.0
    while not simulation.is_over() and until < limit * crowd.fluid_bound:
        until += step
        simulation.clock.run(until)
    seed, *fetchers = simulation.everybody
    unfinished = [each for each in fetchers if each.completed_at is None and not each.gone]
    stays = [
        (machine.joined_at, machine.completed_at)
        for machine in fetchers
        if machine.completed_at is not None
    ]
    downloaders = [machine.swarm.downloader for machine in fetchers]
    return Outcome(
        crowd,
        unfinished=len(unfinished),
        times=[ended - joined for joined, ended in stays],
        ended_at=max((ended for _, ended in stays), default=float("inf")),
        longest_wait=max(machine.longest_wait for machine in fetchers),
        seed_copies=seed.link.sent / crowd.total,
        wasted=sum(each.wasted_bytes for each in downloaders if each)
        / sum(machine.swarm.down.total for machine in fetchers),
    )


def equal_links(peers: int, *, pieces: int, piece_length: int, seed: int = 1) -> Crowd:
    """A class of `peers` and a seed, all behind links of 20 Mbit/s each way."""
    rate = 20e6 / 8
    random = Random(seed)
    members = [Member(rate, rate)]
    members += [Member(rate, rate, joins=0.01 + random.random() / 2) for _ in range(peers)]
    return Crowd(
        name=f"{peers} on equal links",
        members=members,
        pieces=pieces,
        piece_length=piece_length,
        seed=seed,
    )
