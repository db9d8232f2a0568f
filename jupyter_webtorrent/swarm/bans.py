"""Who sent wrong bytes and is not taken back: one list for all torrents of a session.

Finding the culprits is `suspects`' business; refusing their connections is the engine's.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, TypeVar

from jupyter_webtorrent.protocol.identity import PeerAddress, PeerId
from jupyter_webtorrent.protocol.reach import Reach, reach_of
from jupyter_webtorrent.swarm.peer import Peer

K = TypeVar("K")
V = TypeVar("V")

MAX_BANS: Final = 1000
"""The oldest are forgotten first."""
CULPRITS_PER_HOST: Final = 3
"""So many distinct culprits behind one address are no neighbours of honest peers: all of it is banned."""


class BanList:
    """Bans by peer id and by the address that was dialled; by host only after several culprits there."""

    def __init__(self) -> None:
        self._peers: OrderedDict[PeerId, None] = OrderedDict()
        self._addresses: OrderedDict[PeerAddress, None] = OrderedDict()
        self._hosts: OrderedDict[str, set[PeerId]] = OrderedDict()

    def add(self, peer: Peer) -> None:
        """Ban a culprit; one that is banned already counts once."""
        peer_id = peer.handshake.peer_id
        _remember(self._peers, peer_id, None)
        if peer.dialled is not None:
            _remember(self._addresses, peer.dialled, None)
        # Behind this machine's own address sit tunnels and other users.
        if peer.host and reach_of(peer.host) is not Reach.MACHINE:
            culprits = self._hosts.get(peer.host, set())
            if len(culprits) < CULPRITS_PER_HOST:
                culprits.add(peer_id)
            _remember(self._hosts, peer.host, culprits)

    def bars_peer(self, peer_id: PeerId, host: str) -> bool:
        """Whether a peer that shook hands is to be turned away."""
        return peer_id in self._peers or self.bars_host(host)

    def bars_host(self, host: str) -> bool:
        return len(self._hosts.get(host, ())) >= CULPRITS_PER_HOST

    def bars_address(self, address: PeerAddress) -> bool:
        """Whether an address is not to be dialled."""
        return address in self._addresses or self.bars_host(address.host)


def _remember(entries: OrderedDict[K, V], key: K, value: V) -> None:
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > MAX_BANS:
        entries.popitem(last=False)
