"""TCP peers that announce over HTTP, and who is told of whom. Pure: time is an argument.

They are swarms apart from the WebSocket peers', and counted apart: neither could connect to the other.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from jupyter_webtorrent.protocol.announce import SwarmCounts, TcpAnnounce, TcpAnnounceResponse
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.reach import Reach, reach_of
from jupyter_webtorrent.tracker.registry import INTERVAL, Registry, SwarmLimits

MIN_INTERVAL = 30.0
"""Seconds; whoever has no peer may ask again after these."""
MAX_PEERS_GIVEN = 50


class AddressSwarms:
    """All HTTP peers of one tracker, by address."""

    def __init__(self, rng: random.Random, limits: SwarmLimits | None = None) -> None:
        self._registry: Registry[PeerAddress, str] = Registry(rng, limits, owners="address")

    def announce(
        self, now: float, room: str, ip: str, announce: TcpAnnounce, *, our_ip: str
    ) -> TcpAnnounceResponse:
        """Note that a peer listens at `ip`, from where it asks; returns the reply with others' addresses.

        `our_ip` is how it reached this machine: so it will reach the peers here, which asked over loopback.
        Raises RefusedError if something is full.
        """
        key = (room, announce.info_hash)
        address = PeerAddress(ip, announce.port)
        self._registry.expire(key, now)
        peers: list[PeerAddress] = []
        if announce.event == "stopped":
            self._registry.leave(key, address)
        else:
            completed = announce.event == "completed"
            self._registry.join(
                now,
                key,
                address,
                ip,
                complete=completed or announce.left == 0,
                completed=completed,
            )
            count = min(announce.numwant, MAX_PEERS_GIVEN)
            peers = [other for other, _ in self._registry.others(key, address, count)]
            if reach_of(ip) is not Reach.MACHINE:
                peers = [_as_seen_from_outside(peer, our_ip) for peer in peers]
        counts = self._registry.counts(key, now)
        return TcpAnnounceResponse(
            interval=INTERVAL,
            min_interval=MIN_INTERVAL,
            complete=counts.complete,
            incomplete=counts.incomplete,
            peers=tuple(peers),
            external_ip=ip,
        )

    def scrape(
        self, now: float, room: str, info_hashes: Iterable[InfoHash]
    ) -> dict[InfoHash, SwarmCounts]:
        """The counts of swarms; unknown ones count as empty."""
        return {
            info_hash: self._registry.counts((room, info_hash), now) for info_hash in info_hashes
        }

    @property
    def is_empty(self) -> bool:
        """Nothing at all is remembered."""
        return self._registry.is_empty


def _as_seen_from_outside(peer: PeerAddress, our_ip: str) -> PeerAddress:
    return PeerAddress(our_ip, peer.port) if reach_of(peer.host) is Reach.MACHINE else peer
