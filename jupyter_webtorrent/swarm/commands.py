"""What a Swarm asks its driver to do. It sends nothing itself: it returns these."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.messages import Message
from jupyter_webtorrent.swarm.peer import Peer


class Send(Struct, frozen=True):
    """Write these messages to the peer, in this order."""

    peer: Peer
    messages: tuple[Message, ...]


class Disconnect(Struct, frozen=True):
    peer: Peer
    reason: str
    final: bool = False
    """There is no use in connecting to this peer again."""


class Ban(Struct, frozen=True):
    """The peer sent wrong bytes: never take it back, whether it is still connected or not."""

    peer: Peer


class ServeUploads(Struct, frozen=True):
    """The peer waits for what `Extensions.take_metadata` and `Uploads.take` hand out, as fast as it can be sent."""

    peer: Peer


class StorePiece(Struct, frozen=True):
    """All blocks of a piece are here: check its hash, write it, and report to `Swarm.piece_stored`."""

    index: int
    data: bytearray


class UseMetadata(Struct, frozen=True):
    """The info dictionary has arrived and fits the info hash: open storage, then call `Swarm.start`."""

    info: bytes


class PeersFound(Struct, frozen=True):
    """A peer named others (BEP 11)."""

    addresses: tuple[PeerAddress, ...]


class DhtNodeFound(Struct, frozen=True):
    """The peer's own DHT node is at this UDP port of its host (BEP 5)."""

    peer: Peer
    port: int


class Complete(Struct, frozen=True):
    """Every wanted piece is verified and stored."""


Command: TypeAlias = (
    Send
    | Disconnect
    | Ban
    | ServeUploads
    | StorePiece
    | UseMetadata
    | PeersFound
    | DhtNodeFound
    | Complete
)
