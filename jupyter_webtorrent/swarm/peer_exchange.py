"""Who tells whom of which peers (BEP 11): at most 50 peers a message and one message a minute, both ways.

Only addresses of peers that we are connected to are told, and only believed from a peer that may name them.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.extension import UT_PEX
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.messages import Extended
from jupyter_webtorrent.protocol.pex import MAX_PEERS, PexMessage
from jupyter_webtorrent.protocol.reach import may_name
from jupyter_webtorrent.swarm.commands import Send
from jupyter_webtorrent.swarm.peer import Peer

TELL_SECONDS = 60.0
FIRST_TELL_SECONDS = 5.0
"""A newcomer is told soon, but not before a handful of peers can be told in one message."""
HEAR_SECONDS = 45.0
"""One message a minute is believed; clocks and jitter take a little of that."""
MAX_EARLY_MESSAGES = 5
"""Messages that came too early, after which the peer is dropped."""


class _Exchange:
    """What one peer was told, and how often it told us."""

    def __init__(self, tell_at: float) -> None:
        self.told: dict[PeerAddress, None] = {}
        self.tell_at = tell_at
        self.heard_at: float | None = None
        self.early = 0


class PeerExchange:
    """One torrent's exchange with all its peers. Time is an argument."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._exchanges: dict[Peer, _Exchange] = {}

    def tick(self, peers: Collection[Peer], now: float) -> list[Send]:
        """What is to be told to whom now."""
        connected = {peer: peer.address for peer in peers if peer.address is not None}
        sends = []
        for peer in peers:
            number = peer.extension_id(UT_PEX)
            if not number:
                continue
            exchange = self._exchanges.get(peer)
            if exchange is None:
                wait = FIRST_TELL_SECONDS * self._random.uniform(0.5, 1.5)
                exchange = self._exchanges[peer] = _Exchange(now + wait)
            if now < exchange.tell_at:
                continue
            others = {address: None for other, address in connected.items() if other is not peer}
            message = _news(exchange, others, peer)
            if message is not None:
                exchange.tell_at = now + TELL_SECONDS * self._random.uniform(1.0, 1.1)
                sends.append(Send(peer, (Extended(number, message.encode()),)))
        return sends

    def received(self, peer: Peer, payload: bytes, now: float) -> tuple[PeerAddress, ...]:
        """The peers named in a message that are worth a try; none if it came too early.

        Raises ProtocolError for a malformed message and for a flood of them.
        """
        message = PexMessage.decode(payload)
        exchange = self._exchanges.setdefault(peer, _Exchange(now))
        if exchange.heard_at is not None and now - exchange.heard_at < HEAR_SECONDS:
            exchange.early += 1
            if exchange.early > MAX_EARLY_MESSAGES:
                raise ProtocolError("the peer floods us with addresses")
            return ()
        exchange.heard_at = now
        return tuple(address for address in message.added if may_name(peer.host, address.host))

    def forget(self, peer: Peer) -> None:
        self._exchanges.pop(peer, None)


def _news(exchange: _Exchange, connected: dict[PeerAddress, None], peer: Peer) -> PexMessage | None:
    """What has changed since the peer was last told; None if nothing has."""
    added = [
        address
        for address in connected
        if address not in exchange.told
        and address != peer.address
        and may_name(peer.host, address.host)
    ][:MAX_PEERS]
    dropped = [address for address in exchange.told if address not in connected][:MAX_PEERS]
    for address in added:
        exchange.told[address] = None
    for address in dropped:
        del exchange.told[address]
    if not added and not dropped:
        return None
    return PexMessage(tuple(added), tuple(dropped))
