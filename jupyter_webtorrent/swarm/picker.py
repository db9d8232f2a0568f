"""Which piece next: by priority, then rarest first with chance among equals, or in order.

Availability is kept as one bit array a level (how many peers have a piece), so that a peer's whole bitfield
is counted in, and the rarest piece of a peer found, by a few operations on machine words.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from jupyter_webtorrent.protocol.bitfield import Bitfield


class PiecePicker:
    """Counts who has what, and picks among the pieces that are open: wanted, and not begun or had.

    Invariant: each piece stands in exactly one level.
    """

    def __init__(self, piece_count: int, random: Random) -> None:
        self._random = random
        self._levels = [Bitfield.full(piece_count)]
        self.open = Bitfield(piece_count)
        self.sequential = False
        """Pieces in their order instead of the rarest first."""
        self.preferred: Sequence[Bitfield] = ()
        """Sets of pieces, those to be had first first; all others come after them."""

    def availability(self, index: int) -> int:
        """How many connected peers have the piece."""
        return next(level for level, pieces in enumerate(self._levels) if index in pieces)

    @property
    def unseen(self) -> Bitfield:
        """The pieces that no connected peer has; not to be changed."""
        return self._levels[0]

    def peer_has(self, index: int) -> None:
        """One more peer has this piece."""
        level = self.availability(index)
        if level + 1 == len(self._levels):
            self._add_level()
        self._levels[level].discard(index)
        self._levels[level + 1].add(index)

    def peer_lost(self, index: int) -> None:
        """One peer fewer has this piece."""
        level = self.availability(index)
        self._levels[level].discard(index)
        self._levels[level - 1].add(index)

    def peer_joined(self, have: Bitfield) -> None:
        self._add_level()
        levels = self._levels
        for level in range(len(levels) - 2, -1, -1):
            moved = levels[level] & have
            levels[level] -= moved
            levels[level + 1] |= moved
        self._trim()

    def peer_left(self, have: Bitfield) -> None:
        levels = self._levels
        for level in range(1, len(levels)):
            moved = levels[level] & have
            levels[level] -= moved
            levels[level - 1] |= moved
        self._trim()

    def pick(self, have: Bitfield) -> int | None:
        """The best open piece that a peer with `have` can give: the rarest of the preferred, or the first."""
        offered = self.open & have
        if not offered.any():
            return None
        for pieces in self.preferred:
            candidates = offered & pieces
            if candidates.any():
                offered = candidates
                break
        if self.sequential:
            return offered.first_from(0)
        for level in self._levels[1:]:
            candidates = level & offered
            if candidates.any():
                return candidates.first_from(self._random.randrange(len(candidates)))
        return None

    def _add_level(self) -> None:
        self._levels.append(Bitfield(len(self.open)))

    def _trim(self) -> None:
        while len(self._levels) > 1 and not self._levels[-1].any():
            self._levels.pop()
