"""Known TCP addresses of a torrent's peers, what became of them, and when each may be tried again."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum
from random import Random

from jupyter_webtorrent.protocol.identity import PeerAddress

MAX_ADDRESSES = 1000
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 300.0


class AddressState(Enum):
    """An address is in exactly one of these states."""

    IDLE = "idle"
    DIALING = "dialing"
    CONNECTED = "connected"
    BANNED = "banned"


@dataclass(slots=True)
class KnownAddress:
    address: PeerAddress
    state: AddressState = AddressState.IDLE
    failures: int = 0
    try_at: float = 0.0
    obfuscated: bool = False
    """Whether it is dialled with an encrypted handshake."""
    reason: str = ""
    """Why it is banned, if it is."""


class PeerBook:
    """Whom to dial next. Time is an argument; the caller dials."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._known: dict[PeerAddress, KnownAddress] = {}

    def add(self, address: PeerAddress) -> None:
        """Learn an address; a known one keeps its state.

        Past MAX_ADDRESSES it takes the place of the one that failed most, or is dropped if none has.
        """
        if address in self._known:
            return
        if len(self._known) >= MAX_ADDRESSES:
            idle = (known for known in self._known.values() if known.state is AddressState.IDLE)
            worst = max(idle, key=lambda known: known.failures, default=None)
            if worst is None or not worst.failures:
                return
            del self._known[worst.address]
        self._known[address] = KnownAddress(address)

    def addresses(self) -> list[PeerAddress]:
        return list(self._known)

    def known(self) -> list[KnownAddress]:
        return list(self._known.values())

    @property
    def next_try(self) -> float:
        """When the next address may be dialled: a time that may be past, or infinity."""
        return min(
            (known.try_at for known in self._known.values() if known.state is AddressState.IDLE),
            default=math.inf,
        )

    def take(
        self, limit: int, now: float, *, besides: Container[PeerAddress | None] = ()
    ) -> list[PeerAddress]:
        """Up to `limit` addresses to dial now; they count as being dialled.

        `besides` are those of peers that are connected, whoever began it.
        """
        due = [
            known
            for known in self._known.values()
            if known.state is AddressState.IDLE
            and known.try_at <= now
            and known.address not in besides
        ]
        due.sort(key=lambda known: (known.failures, known.try_at))
        for known in due[:limit]:
            known.state = AddressState.DIALING
        return [known.address for known in due[:limit]]

    def connected(self, address: PeerAddress) -> None:
        if (known := self._known.get(address)) is not None:
            known.state = AddressState.CONNECTED

    def failed(self, address: PeerAddress, now: float, *, was_of_use: bool = False) -> None:
        """The attempt failed or the connection ended: wait longer each time, with jitter.

        A connection that moved blocks was of use: the next wait is a short one again.
        """
        known = self._known.get(address)
        if known is None or known.state is AddressState.BANNED:
            return
        if was_of_use:
            known.failures = 0
        pause = min(FIRST_RETRY_SECONDS * 2**known.failures, LONGEST_RETRY_SECONDS)
        known.state = AddressState.IDLE
        known.failures += 1
        known.try_at = now + pause * self._random.uniform(0.5, 1.5)

    def is_obfuscated(self, address: PeerAddress) -> bool:
        """How to dial it: as it worked before, or has not been tried last."""
        known = self._known.get(address)
        return known is not None and known.obfuscated

    def try_otherwise(self, address: PeerAddress) -> None:
        """The peer hung up before it shook hands: encrypt the next handshake, or do not any more."""
        if (known := self._known.get(address)) is not None:
            known.obfuscated = not known.obfuscated

    def retry(self) -> None:
        """Whoever waits for the next try may be dialled at once."""
        for known in self._known.values():
            if known.state is AddressState.IDLE:
                known.try_at = 0.0

    def start_over(self) -> None:
        """Nobody is connected, and whoever is not banned may be dialled at once."""
        for known in self._known.values():
            if known.state is not AddressState.BANNED:
                known.state, known.failures, known.try_at = AddressState.IDLE, 0, 0.0

    def ban(self, address: PeerAddress, reason: str) -> None:
        """Never dial it again in this session, unless what it was banned for is forgiven."""
        if (known := self._known.get(address)) is not None:
            known.state = AddressState.BANNED
            known.reason = reason

    def forgive(self, reason: str) -> None:
        """Those that were banned for this may be of use again."""
        for known in self._known.values():
            if known.state is AddressState.BANNED and known.reason == reason:
                known.state = AddressState.IDLE
