"""Whom to upload to: the peers that give most, one by chance, and everyone in turn once we seed (BEP 3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from random import Random

from jupyter_webtorrent.swarm.peer import Peer

UPLOAD_SLOTS = 6
"""Peers served at a time unless told otherwise: see tests/simulation. Fewer leave the last peers of a crowd
far behind the others; more cut the uplink into shares so thin that a piece is slow to be passed on."""

RECHOKE_SECONDS = 10.0
OPTIMISTIC_SECONDS = 30.0
SEED_TURN_SECONDS = 20.0
"""How long a seed serves a peer before another that waits may take its slot."""
SNUB_SECONDS = 60.0


def regular_slots(interested: Iterable[Peer], slots: int) -> set[Peer]:
    """While downloading: the interested peers that send us most."""
    return set(sorted(interested, key=lambda peer: -peer.down.rate)[:slots])


def seed_slots(interested: Iterable[Peer], slots: int, now: float) -> set[Peer]:
    """While seeding: those in their turn first, then those that have waited longest."""

    def order(peer: Peer) -> tuple[bool, float]:
        in_turn = not peer.am_choking and now - peer.unchoked_at < SEED_TURN_SECONDS
        return (not in_turn, peer.unchoked_at)

    return set(sorted(interested, key=order)[:slots])


def snubs(peer: Peer, now: float) -> bool:
    """Whether the peer has kept us waiting for a minute: it is served by chance only (BEP 3)."""
    return peer.am_interested and now - peer.fair_at > SNUB_SECONDS


class Choker:
    """Remembers the optimistic choice between decisions."""

    def __init__(self, slots: int, random: Random) -> None:
        self.slots = slots
        """How many peers are unchoked at a time."""
        self._random = random
        self._optimistic: Peer | None = None
        self._optimistic_since = 0.0
        self._decided_at: float | None = None

    def is_due(self, now: float) -> bool:
        return self._decided_at is None or now - self._decided_at >= RECHOKE_SECONDS

    def has_free_slot(self, peers: Iterable[Peer]) -> bool:
        """Whether one more interested peer can be unchoked at once."""
        return sum(not peer.am_choking for peer in peers) < self.slots

    def decide(self, interested: Collection[Peer], *, seeding: bool, now: float) -> set[Peer]:
        """The peers to be unchoked from now on, of those that want blocks; all others are to be choked."""
        self._decided_at = now
        regular = max(1, self.slots - 1)
        chosen = (
            seed_slots(interested, regular, now)
            if seeding
            else regular_slots([peer for peer in interested if not snubs(peer, now)], regular)
        )
        others = [peer for peer in interested if peer not in chosen]
        stale = now - self._optimistic_since >= OPTIMISTIC_SECONDS
        if self._optimistic not in others or stale:
            self._optimistic = self._random.choice(others) if others else None
            self._optimistic_since = now
        if self._optimistic is not None and len(chosen) < self.slots:
            chosen.add(self._optimistic)
        return chosen
