"""Who sent the wrong blocks of a bad piece: hashes of its blocks are kept until a good copy shows who lied.

Asking for the piece again, and what becomes of the culprits, is left to the downloader and the swarm.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from hashlib import sha1
from typing import Final

from jupyter_webtorrent.swarm.peer import Peer

MAX_BLOCKS: Final = 1 << 14
"""Blocks whose hash and sender are kept, about 3 MB; the oldest copies are forgotten first."""


class BadCopy:
    """One copy of a piece whose hash was wrong, and that several peers had a part in."""

    __slots__ = ("block_size", "blocks", "peers")

    def __init__(self, data: bytearray, senders: Sequence[Peer], block_size: int) -> None:
        self.block_size = block_size
        self.blocks = [*zip(_digests(data, block_size), senders, strict=True)]
        self.peers = frozenset(senders)

    def culprits(self, good: bytearray) -> set[Peer]:
        """Those who sent a block that differs from the good one."""
        right = _digests(good, self.block_size)
        return {
            peer for (sent, peer), digest in zip(self.blocks, right, strict=True) if sent != digest
        }


class Suspects:
    """The bad copies that nobody was found guilty of yet, and the peers that had a part in them."""

    def __init__(self) -> None:
        self._copies: OrderedDict[int, list[BadCopy]] = OrderedDict()
        self._parts: Counter[Peer] = Counter()
        self._kept = 0

    def __contains__(self, peer: Peer) -> bool:
        return peer in self._parts

    def parts(self, peer: Peer) -> int:
        """In how many bad copies the peer had a part."""
        return self._parts[peer]

    @property
    def pieces(self) -> Sequence[int]:
        """The pieces there is a bad copy of, oldest first."""
        return list(self._copies)

    def add(self, index: int, data: bytearray, senders: Sequence[Peer], block_size: int) -> None:
        """A copy is bad, and any of its `senders`, one for each block, may have lied."""
        copy = BadCopy(data, senders, block_size)
        self._copies.setdefault(index, []).append(copy)
        self._kept += len(copy.blocks)
        self._parts.update(copy.peers)
        while self._kept > MAX_BLOCKS and len(self._copies) > 1:
            self._forget(next(iter(self._copies)))

    def resolve(self, index: int, good: bytearray) -> set[Peer]:
        """The piece has come whole: exactly those who sent a wrong block of it before."""
        culprits: set[Peer] = set()
        for copy in self._copies.get(index, ()):
            culprits |= copy.culprits(good)
        self._forget(index)
        return culprits

    def _forget(self, index: int) -> None:
        for copy in self._copies.pop(index, ()):
            self._kept -= len(copy.blocks)
            self._parts -= Counter(copy.peers)


def _digests(data: bytearray, block_size: int) -> list[bytes]:
    with memoryview(data) as view:
        return [
            sha1(view[start : start + block_size], usedforsecurity=False).digest()
            for start in range(0, len(view), block_size)
        ]
