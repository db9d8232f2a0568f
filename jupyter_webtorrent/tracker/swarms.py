"""Who is in which swarm, and who gets whose offers. Pure: time is an argument, nothing is sent.

A socket is any hashable value that stands for one connection; the server owns the real ones.
"""

from __future__ import annotations

import random
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from jupyter_webtorrent.protocol.announce import SwarmCounts
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.ws_tracker import (
    Announce,
    AnnounceResponse,
    Answer,
    RelayedOffer,
    Scrape,
    ScrapeResponse,
)
from jupyter_webtorrent.tracker.errors import RefusedError

INTERVAL = 120.0
"""Seconds between announces, as bittorrent-tracker asks of WebSocket peers."""
LIFETIME = 5 * 60.0
"""Seconds after its last announce that a peer no longer counts, its socket open or not. It is forgotten
when its swarm is next looked at, and the stalest ones where there is no room for another."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Socket = TypeVar("Socket", bound=Hashable)
SwarmKey: TypeAlias = tuple[str, InfoHash]
"""A room's name (empty for the open tracker) and a torrent: rooms are swarms apart."""


@dataclass(frozen=True, slots=True)
class SwarmLimits:
    """Bounds on what strangers can make the tracker remember."""

    swarms: int = 10_000
    peers_per_swarm: int = 1_000
    swarms_per_socket: int = 2_000
    """And so peer ids: libtorrent has one for each torrent, all on one socket."""


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Socket]):
    """An offer and the socket that is to get it."""

    socket: Socket
    offer: RelayedOffer


@dataclass(slots=True)
class _Member(Generic[Socket]):
    socket: Socket
    complete: bool
    seen: float


@dataclass(slots=True)
class _Swarm(Generic[Socket]):
    """Members in the order of their last announce, so that the stale ones stand first."""

    members: dict[PeerId, _Member[Socket]] = field(default_factory=dict)
    seeds: int = 0
    downloaded: int = 0

    @property
    def counts(self) -> SwarmCounts:
        return SwarmCounts(self.seeds, len(self.members) - self.seeds, self.downloaded)


@dataclass(slots=True)
class _Identity(Generic[Socket]):
    """A peer id in a room: one socket's, as long as it is in any swarm there."""

    socket: Socket
    swarms: int = 0


class Swarms(Generic[Socket]):
    """All swarms of one tracker. Times are in seconds, of any clock that only goes forward."""

    def __init__(self, rng: random.Random, limits: SwarmLimits | None = None) -> None:
        self._rng = rng
        self._limits = limits or SwarmLimits()
        self._swarms: dict[SwarmKey, _Swarm[Socket]] = {}
        """In the order of their last announce."""
        self._identities: dict[tuple[str, PeerId], _Identity[Socket]] = {}
        self._memberships: dict[Socket, dict[tuple[SwarmKey, PeerId], None]] = {}
        """In the order of their last announce."""

    def announce(
        self, now: float, room: str, socket: Socket, announce: Announce
    ) -> tuple[AnnounceResponse, list[Delivery[Socket]]]:
        """Note a peer's state; returns the reply and where its offers go.

        Raises RefusedError if the id is another socket's, or something is full.
        """
        key = (room, announce.info_hash)
        self._expire(key, now)
        identity = self._identities.get((room, announce.peer_id))
        if identity is not None and identity.socket != socket:
            raise RefusedError("this peer_id belongs to another connection")
        if announce.event == "stopped":
            self._leave(key, announce.peer_id)
            return self._response(key), []
        self._join(now, key, socket, announce)
        deliveries = [
            Delivery(
                receiver.socket,
                RelayedOffer(
                    info_hash=announce.info_hash,
                    peer_id=announce.peer_id,
                    offer_id=offer.offer_id,
                    sdp=offer.sdp,
                ),
            )
            for receiver, offer in zip(
                self._receivers(key, announce), announce.offers, strict=False
            )
        ]
        return self._response(key), deliveries

    def answer(self, room: str, socket: Socket, answer: Answer) -> Socket | None:
        """Where an answer goes; None if that peer has left.

        Raises RefusedError unless the answering peer is this socket's and in the swarm.
        """
        swarm = self._swarms.get((room, answer.info_hash))
        if swarm is None:
            return None
        sender = swarm.members.get(answer.peer_id)
        if sender is None or sender.socket != socket:
            raise RefusedError("only a peer of the swarm may answer")
        receiver = swarm.members.get(answer.to_peer_id)
        return None if receiver is None else receiver.socket

    def scrape(self, now: float, room: str, scrape: Scrape) -> ScrapeResponse:
        """The counts of swarms; unknown ones count as empty."""
        counts = {}
        for info_hash in scrape.info_hashes:
            self._expire((room, info_hash), now)
            swarm = self._swarms.get((room, info_hash))
            counts[info_hash] = SwarmCounts() if swarm is None else swarm.counts
        return ScrapeResponse(counts)

    def disconnected(self, socket: Socket) -> None:
        """A socket is gone, and every peer that was on it."""
        for key, peer_id in list(self._memberships.get(socket, ())):
            self._leave(key, peer_id)

    @property
    def is_empty(self) -> bool:
        """Nothing at all is remembered."""
        return not (self._swarms or self._identities or self._memberships)

    def _join(self, now: float, key: SwarmKey, socket: Socket, announce: Announce) -> None:
        complete = announce.left == 0 or announce.event == "completed"
        swarm = self._swarms.get(key)
        member = None if swarm is None else swarm.members.pop(announce.peer_id, None)
        if swarm is None or member is None:
            swarm = self._room_for_one(now, key, socket)
            identity = (key[0], announce.peer_id)
            self._identities.setdefault(identity, _Identity(socket)).swarms += 1
            member = _Member(socket, False, now)
        elif announce.event == "completed" and not member.complete:
            swarm.downloaded += 1
        swarm.seeds += complete - member.complete
        member.complete = complete
        member.seen = now
        swarm.members[announce.peer_id] = member
        _put_last(self._swarms, key, swarm)
        _put_last(self._memberships.setdefault(socket, {}), (key, announce.peer_id), None)

    def _room_for_one(self, now: float, key: SwarmKey, socket: Socket) -> _Swarm[Socket]:
        """A swarm that one more member is within the limits of, new or not; the stalest make room."""
        limits = self._limits
        memberships = self._memberships.get(socket, {})
        if len(memberships) >= limits.swarms_per_socket:
            stalest, _ = next(iter(memberships))
            self._expire(stalest, now)
            if len(memberships) >= limits.swarms_per_socket:
                raise RefusedError(f"over {limits.swarms_per_socket} torrents on one connection")
        swarm = self._swarms.get(key)
        if swarm is None:
            if len(self._swarms) >= limits.swarms:
                self._expire(next(iter(self._swarms)), now)
            if len(self._swarms) >= limits.swarms:
                raise RefusedError(f"the tracker is full: {limits.swarms} torrents")
            swarm = _Swarm()
        elif len(swarm.members) >= limits.peers_per_swarm:
            raise RefusedError(f"the swarm is full: {limits.peers_per_swarm} peers")
        return swarm

    def _leave(self, key: SwarmKey, peer_id: PeerId) -> None:
        swarm = self._swarms.get(key)
        member = None if swarm is None else swarm.members.pop(peer_id, None)
        if swarm is None or member is None:
            return
        swarm.seeds -= member.complete
        if not swarm.members:
            del self._swarms[key]
        memberships = self._memberships[member.socket]
        del memberships[key, peer_id]
        if not memberships:
            del self._memberships[member.socket]
        identity = self._identities[key[0], peer_id]
        identity.swarms -= 1
        if not identity.swarms:
            del self._identities[key[0], peer_id]

    def _expire(self, key: SwarmKey, now: float) -> None:
        while swarm := self._swarms.get(key):
            peer_id, oldest = next(iter(swarm.members.items()))
            if now - oldest.seen <= LIFETIME:
                return
            self._leave(key, peer_id)

    def _receivers(self, key: SwarmKey, announce: Announce) -> list[_Member[Socket]]:
        """Random other peers; downloaders only for a seed, a seed among them for a downloader."""
        members = self._swarms[key].members
        is_seed = members[announce.peer_id].complete
        others = [
            member
            for peer_id, member in members.items()
            if peer_id != announce.peer_id and not (is_seed and member.complete)
        ]
        count = min(len(announce.offers), announce.numwant, len(others))
        chosen = self._rng.sample(others, count)
        if chosen and not any(member.complete for member in chosen):
            seeds = [member for member in others if member.complete]
            if seeds:
                chosen[0] = self._rng.choice(seeds)
        return chosen

    def _response(self, key: SwarmKey) -> AnnounceResponse:
        swarm = self._swarms.get(key)
        counts = SwarmCounts() if swarm is None else swarm.counts
        return AnnounceResponse(
            info_hash=key[1],
            interval=INTERVAL,
            complete=counts.complete,
            incomplete=counts.incomplete,
        )


def _put_last(entries: dict[K, V], key: K, value: V) -> None:
    entries.pop(key, None)
    entries[key] = value
