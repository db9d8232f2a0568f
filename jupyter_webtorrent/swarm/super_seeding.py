"""Super-seeding (BEP 16): the only seed of a crowd shows each peer other pieces, and sends none twice for nothing.

`SuperSeeding` decides when to hide what we have, and which piece a peer is shown next. Whom to unchoke is the
choker's business; announcing a shown piece is the swarm's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from random import Random

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.picker import PiecePicker

CROWD = 2
"""Peers that fetch, from which on hiding pieces is of use."""

LEAST_SHOWN_BYTES = 1 << 17
"""Shown to an unchoked peer and not come to it yet: the round trip must not leave our uplink idle."""
SHOWN_SECONDS = 0.5
"""The same, in seconds of the rate at which we send to it."""
LEAST_SHOWN = 2

PATIENCE = 2.0
"""Seconds that those who were shown the last pieces have before others are shown them too."""

LAPSE_SECONDS = 4.0
"""A peer that asks for nothing it was shown for so long wants other pieces: it is shown all."""
INTEREST_SECONDS = 1.0
"""The same for one that was shown its first pieces and does not even get interested."""


@dataclass(slots=True)
class Shown:
    """What one peer knows us to have: none that we have lost since."""

    pieces: Bitfield
    pending: set[int] = field(default_factory=set)
    """Those it was shown that nobody is seen to have yet."""
    asked_at: float = 0.0
    """When it was last shown a piece with none pending, or seen to be sent blocks or to wait for some."""
    sent: int = 0
    """Bytes that it had been sent by then."""
    has_spoken: bool = False
    """Whether it said anything since the handshake: the silent get no slot to be shown pieces in."""


class SuperSeeding:
    """The peers we hide pieces from. It is idle, and holds nobody, until `hide_from` is called."""

    def __init__(self, have: Bitfield, picker: PiecePicker, piece_length: int, random: Random):
        self._have = have
        self._picker = picker
        self._piece_length = piece_length
        self._random = random
        self._shown: dict[Peer, Shown] = {}
        self._fresh_at = 0.0
        """When there last was a piece that nobody had been shown."""

    @property
    def is_active(self) -> bool:
        return bool(self._shown)

    def is_of_use(self, peers: Collection[Peer]) -> bool:
        """Whether we are the only seed of a crowd in which some piece is not out yet.

        Whoever says nothing is no crowd: one peer that fetches beside silent ones is told everything at once.
        """
        others = sum(peer.extensions is not None or peer.peer_interested for peer in peers)
        return (
            others >= CROWD - 1
            and self._have.all()
            and self._picker.unseen.any()
            and not any(peer.is_seed for peer in peers)
        )

    def hide_from(self, peer: Peer, now: float) -> None:
        """The peer has been told of no piece."""
        self._shown[peer] = Shown(Bitfield(len(self._have)), asked_at=now)

    def spoke(self, peer: Peer) -> None:
        """The peer said something of itself."""
        if (shown := self._shown.get(peer)) is not None:
            shown.has_spoken = True

    def may_be_shown(self, peer: Peer) -> bool:
        """Whether a slot is of use to the peer, which can get interested only by what it is shown in it."""
        shown = self._shown.get(peer)
        return shown is not None and shown.has_spoken

    @property
    def hidden_from(self) -> list[Peer]:
        return list(self._shown)

    def is_hidden_from(self, peer: Peer) -> bool:
        return peer in self._shown

    def show(self, peer: Peer, now: float) -> list[int]:
        """The pieces to announce to an unchoked peer now, so that it has enough to ask for."""
        shown = self._shown.get(peer)
        if shown is None or peer.have is None:
            return []
        unseen = self._picker.unseen  # what is seen at anybody, this peer too, is out
        shown.pending = {index for index in shown.pending if index in unseen}
        enough = max(LEAST_SHOWN_BYTES, SHOWN_SECONDS * peer.up.rate)
        count = max(LEAST_SHOWN, round(enough / self._piece_length))
        announced: list[int] = []
        while len(shown.pending) < count:
            index = self._next(shown, now)
            if index is None:
                break
            if not shown.pending:
                shown.asked_at = now
            shown.pending.add(index)
            shown.pieces.add(index)
            announced.append(index)
        return announced

    def _next(self, shown: Shown, now: float) -> int | None:
        """A piece that nobody has or was shown; when there is none, one that others are slow to fetch."""
        candidates = self._not_out - shown.pieces
        fresh = candidates.copy()
        for other in self._shown.values():
            for index in other.pending:
                fresh.discard(index)
        if fresh.any():
            self._fresh_at = now
            candidates = fresh
        elif now - self._fresh_at < PATIENCE or not candidates.any():
            return None
        return candidates.first_from(self._random.randrange(len(candidates)))

    @property
    def is_needed(self) -> bool:
        """Whether to go on hiding: some piece is not out."""
        return self._not_out.any()

    @property
    def _not_out(self) -> Bitfield:
        """The pieces that we alone have."""
        return self._picker.unseen & self._have

    def told(self, peer: Peer, pieces: Bitfield) -> Bitfield:
        """Those of these pieces that the peer knows us to have, if we have them."""
        shown = self._shown.get(peer)
        return pieces if shown is None else pieces & shown.pieces

    def tell(self, peer: Peer, index: int) -> None:
        """The peer is told of this piece, whether it is its turn or not."""
        if (shown := self._shown.get(peer)) is not None:
            shown.pieces.add(index)

    def lost(self, pieces: Bitfield) -> None:
        """We have these no more, and everybody who knew us to have them was told so."""
        for shown in self._shown.values():
            shown.pieces -= pieces
            shown.pending.difference_update(pieces)

    def choked(self, peer: Peer) -> None:
        """What it did not fetch in its turn may be shown to others."""
        shown = self._shown.get(peer)
        if shown is not None:
            shown.pending.clear()

    def unchoked(self, peer: Peer, now: float) -> None:
        """Pieces of an earlier turn that are still missing come first."""
        shown = self._shown.get(peer)
        if shown is not None and peer.have is not None:
            shown.pending.update((shown.pieces - peer.have) & self._picker.unseen)
            shown.asked_at = now

    def lapsed(self, now: float) -> list[Peer]:
        """Those that say nothing, or want nothing of what they are shown; to be asked once a second."""
        lapsed: list[Peer] = []
        for peer, shown in self._shown.items():
            if peer.up.total != shown.sent or peer.uploads:
                shown.sent = peer.up.total
                shown.asked_at = now
                continue
            idle = now - shown.asked_at
            if not shown.has_spoken:
                is_late = idle > LAPSE_SECONDS
            elif shown.pending and not peer.am_choking:
                is_late = idle > (LAPSE_SECONDS if peer.peer_interested else INTEREST_SECONDS)
            else:
                is_late = False
            if is_late:
                lapsed.append(peer)
        return lapsed

    def reveal(self, peer: Peer) -> list[int]:
        """Stop hiding from this peer: every piece to announce to it that it has not."""
        shown = self._shown.pop(peer, None)
        if shown is None:
            return []
        untold = self._have - shown.pieces
        return list(untold if peer.have is None else untold - peer.have)

    def forget(self, peer: Peer) -> None:
        """The connection is gone."""
        self._shown.pop(peer, None)
