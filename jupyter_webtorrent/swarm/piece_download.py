"""One piece on its way, in blocks: what is free, what is asked of whom, what has come and from whom."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from jupyter_webtorrent.protocol.layout import PieceLayout
from jupyter_webtorrent.protocol.messages import Request
from jupyter_webtorrent.swarm.peer import Peer

STALL_SECONDS = 1.0
"""A peer that has sent no block for so long, and longer than it should take, has its blocks asked of others."""

WORTH_SECONDS = 0.25
"""In the end game a block is asked of a second peer only if it comes so much sooner."""


class PieceState(Enum):
    """A piece is in exactly one of these states."""

    MISSING = "missing"
    REQUESTED = "requested"
    UNVERIFIED = "unverified"
    HAVE = "have"


class PieceDownload:
    """A begun piece (BEP 3). Blocks are named by their byte offset in the piece.

    Invariant: each block is free, asked of at least one peer, or received.
    """

    __slots__ = (
        "_block_size",
        "_view",
        "begun_at",
        "data",
        "exclusive",
        "free",
        "index",
        "owner",
        "pending",
        "senders",
    )

    def __init__(
        self,
        index: int,
        layout: PieceLayout,
        now: float,
        owner: Peer | None = None,
        *,
        exclusive: bool = False,
    ) -> None:
        self.index = index
        self.begun_at = now
        self.data = bytearray(layout.piece_size(index))
        self.free = deque(range(0, len(self.data), layout.block_size))
        """Blocks that are asked of nobody."""
        self.pending: dict[int, list[Peer]] = {}
        """Each block that is asked for, with the peers it is asked of."""
        self.senders: list[Peer | None] = [None] * len(self.free)
        """Who sent each block; None: it has not come."""
        self.owner = owner
        """If set, the peer that this piece is to come from, so that a bad one has one culprit."""
        self.exclusive = exclusive
        """Whether nobody else may be asked, even in the end game."""
        self._view = memoryview(self.data)
        self._block_size = layout.block_size

    def request(self, peer: Peer, begin: int) -> Request:
        self.pending.setdefault(begin, []).append(peer)
        return Request(self.index, begin, self.block_length(begin))

    def ask(self, peer: Peer, depth: int, now: float) -> list[Request]:
        """Ask the peer for free blocks, until it owes `depth` in all."""
        requests: list[Request] = []
        while self.free and len(peer.requests) < depth:
            begin = self.free.popleft()
            requests.append(self.request(peer, begin))
            peer.requests[self.index, begin] = now
        return requests

    def ask_again(
        self,
        peer: Peer,
        depth: int,
        now: float,
        *,
        at_the_end: bool,
        patience: float = float("inf"),
    ) -> list[Request]:
        """Ask this peer too for blocks that it will send much sooner than the one that owes them.

        That is so only at the very end, when no piece is left to begin; but at any time if that one stalls,
        or if they have been owed for `patience` seconds.
        """
        requests: list[Request] = []
        for begin, holders in self.pending.items():
            if len(peer.requests) >= depth:
                break
            holder = holders[0]
            if len(holders) > 1 or peer is holder:
                continue
            ours = peer.pipeline.delay(len(peer.requests))
            theirs = holder.pipeline.delay(len(holder.requests))
            stalls = now - holder.requested_at >= max(theirs, STALL_SECONDS)
            slower = at_the_end and theirs > max(2 * ours, ours + WORTH_SECONDS)
            if stalls or slower or now - holder.requests[self.index, begin] >= patience:
                requests.append(self.request(peer, begin))
                peer.requests[self.index, begin] = now
        return requests

    def block_length(self, begin: int) -> int:
        return min(self._block_size, len(self.data) - begin)

    def give_back(self, peer: Peer, begin: int) -> None:
        """The peer will not send this block."""
        holders = self.pending[begin]
        holders.remove(peer)
        if not holders:
            del self.pending[begin]
            self.free.appendleft(begin)

    def receive(self, peer: Peer, begin: int, block: memoryview | bytes) -> list[Peer]:
        """Take a block that was asked of `peer`; returns the others it was asked of."""
        holders = self.pending.pop(begin)
        holders.remove(peer)
        self._view[begin : begin + len(block)] = block
        self.senders[begin // self._block_size] = peer
        return holders

    def discard(self, peer: Peer) -> int:
        """Drop the blocks that a peer sent: they are free again. Returns their bytes."""
        dropped = 0
        for number, sender in enumerate(self.senders):
            if sender is peer:
                begin = number * self._block_size
                self.senders[number] = None
                self.free.append(begin)
                dropped += self.block_length(begin)
        return dropped

    @property
    def contributors(self) -> set[Peer]:
        return {sender for sender in self.senders if sender is not None}

    @property
    def received_bytes(self) -> int:
        return sum(
            self.block_length(number * self._block_size)
            for number, sender in enumerate(self.senders)
            if sender is not None
        )

    @property
    def is_complete(self) -> bool:
        return not self.free and not self.pending


@dataclass(slots=True)
class Receipt:
    """What a block brought about."""

    used: bool
    """False: it was not asked for, or another peer was faster."""
    completed: PieceDownload | None = None
    cancel: tuple[Peer, ...] = ()
    """Peers that were asked for it too."""


@dataclass(slots=True)
class Verdict:
    """What a piece's hash says of the peers that sent it."""

    culprits: set[Peer]
    """Those who certainly sent wrong bytes."""
    cancel: list[tuple[Peer, Request]]
    """What is not to come from peers that are under suspicion."""
    contributors: set[Peer] = field(default_factory=set)
    """Of a right piece: those who sent some of it."""
