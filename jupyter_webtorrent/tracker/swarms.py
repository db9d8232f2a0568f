"""WebSocket peers, and who gets whose offers. Pure: time is an argument, nothing is sent.

A socket is any hashable value that stands for one connection; the server owns the real ones.
"""

from __future__ import annotations

import random
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from jupyter_webtorrent.protocol.identity import PeerId
from jupyter_webtorrent.protocol.ws_messages import (
    Announce,
    AnnounceResponse,
    Answer,
    RelayedOffer,
    Scrape,
    ScrapeResponse,
)
from jupyter_webtorrent.tracker.errors import RefusedError
from jupyter_webtorrent.tracker.registry import INTERVAL, Registry, SwarmKey, SwarmLimits

Socket = TypeVar("Socket", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Socket]):
    """An offer and the socket that is to get it."""

    socket: Socket
    offer: RelayedOffer


class Swarms(Generic[Socket]):
    """All WebSocket peers of one tracker, by peer id."""

    def __init__(self, rng: random.Random, limits: SwarmLimits | None = None) -> None:
        self._registry: Registry[PeerId, Socket] = Registry(rng, limits, owners="connection")

    def announce(
        self, now: float, room: str, socket: Socket, announce: Announce
    ) -> tuple[AnnounceResponse, list[Delivery[Socket]]]:
        """Note a peer's state; returns the reply and where its offers go.

        Raises RefusedError if the id is another socket's, or something is full.
        """
        key = (room, announce.info_hash)
        registry = self._registry
        registry.expire(key, now)
        if registry.is_anothers(room, announce.peer_id, socket):
            raise RefusedError("this peer_id belongs to another connection")
        if announce.event == "stopped":
            registry.leave(key, announce.peer_id)
            return self._response(key, now), []
        completed = announce.event == "completed"
        registry.join(
            now,
            key,
            announce.peer_id,
            socket,
            complete=completed or announce.left == 0,
            completed=completed,
        )
        count = min(len(announce.offers), announce.numwant)
        receivers = registry.others(key, announce.peer_id, count)
        deliveries = [
            Delivery(
                receiver.owner,
                RelayedOffer(
                    info_hash=announce.info_hash,
                    peer_id=announce.peer_id,
                    offer_id=offer.offer_id,
                    sdp=offer.sdp,
                ),
            )
            for (_, receiver), offer in zip(receivers, announce.offers, strict=False)
        ]
        return self._response(key, now), deliveries

    def answer(self, room: str, socket: Socket, answer: Answer) -> Socket | None:
        """Where an answer goes; None if that peer, or both, have left.

        Raises RefusedError unless the answering peer is this socket's and in the swarm.
        """
        key = (room, answer.info_hash)
        receiver = self._registry.member(key, answer.to_peer_id)
        sender = self._registry.member(key, answer.peer_id)
        if sender is None and receiver is None:
            return None
        if sender is None or sender.owner != socket:
            raise RefusedError("only a peer of the swarm may answer")
        return None if receiver is None else receiver.owner

    def scrape(self, now: float, room: str, scrape: Scrape) -> ScrapeResponse:
        """The counts of swarms; unknown ones count as empty."""
        return ScrapeResponse(
            {
                info_hash: self._registry.counts((room, info_hash), now)
                for info_hash in scrape.info_hashes
            }
        )

    def disconnected(self, socket: Socket) -> None:
        """A socket is gone, and every peer that was on it."""
        self._registry.leave_all(socket)

    @property
    def is_empty(self) -> bool:
        """Nothing at all is remembered."""
        return self._registry.is_empty

    def _response(self, key: SwarmKey, now: float) -> AnnounceResponse:
        counts = self._registry.counts(key, now)
        return AnnounceResponse(
            info_hash=key[1],
            interval=INTERVAL,
            complete=counts.complete,
            incomplete=counts.incomplete,
        )
