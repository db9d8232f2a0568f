"""Swarms wired to each other with plain function calls: no network, no clock, no disk."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Collection, Iterable
from random import Random

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.messages import Message, Piece
from jupyter_webtorrent.protocol.metainfo import Info, TorrentFile
from jupyter_webtorrent.swarm.commands import (
    Complete,
    Disconnect,
    Send,
    ServeUploads,
    StorePiece,
    UseMetadata,
)
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.swarm import Swarm
from jupyter_webtorrent.swarm.uploads import Uploads

PIECE_LENGTH = 1 << 15


def make_torrent(size: int, seed: int = 1, piece_length: int = PIECE_LENGTH) -> tuple[Info, bytes]:
    """A single-file torrent of random bytes, and the bytes."""
    data = Random(seed).randbytes(size)
    pieces = b"".join(
        hashlib.sha1(data[start : start + piece_length]).digest()
        for start in range(0, size, piece_length)
    )
    file = TorrentFile(("data.bin",), size)
    return Info.build("data.bin", piece_length, pieces, [file], single_file=True), data


class Node:
    """One swarm's driver: keeps the bytes, and turns blocks asked for into blocks sent."""

    def __init__(
        self, name: str, info_hash: InfoHash, *, upload_slots: int = 4, fast: bool = True
    ) -> None:
        self.name = name
        self.swarm = Swarm(info_hash, Random(name), 0.0, upload_slots=upload_slots)
        self.handshake = Handshake(
            info_hash, PeerId(name.encode().ljust(20, b"-")), supports_fast=fast
        )
        self.data = b""
        self.complete = False
        self.metadata: bytes | None = None
        self.links: dict[Peer, Link] = {}
        self.bad_pieces = 0
        self.disconnects: list[str] = []
        self.corrupts = False

    def start(
        self,
        info: Info,
        data: bytes = b"",
        have: Iterable[int] | None = None,
        wanted: Collection[int] | None = None,
    ) -> None:
        self.data = data or bytes(info.total)
        pieces = Bitfield.full(info.piece_count) if data else Bitfield(info.piece_count)
        if have is not None:
            pieces = Bitfield(info.piece_count)
            for index in have:
                pieces.add(index)
        self.swarm.start(info, pieces, range(info.piece_count) if wanted is None else wanted, 0.0)

    def store(self, index: int, piece: bytearray, now: float) -> None:
        info = self.swarm.info
        assert info is not None
        ok = hashlib.sha1(piece).digest() == info.piece_hash(index)
        if ok:
            start = info.layout.offset(index)
            self.data = self.data[:start] + bytes(piece) + self.data[start + len(piece) :]
        else:
            self.bad_pieces += 1
        self.swarm.piece_stored(index, now, ok=ok)


class Link:
    """One end of a connection: what is under way to the other end."""

    def __init__(self, node: Node, handshake: Handshake, now: float) -> None:
        self.node = node
        self.peer = node.swarm.peer_joined(handshake, now)
        self.inbox: deque[Message] = deque()
        self.other: Link
        self.open = True
        node.links[self.peer] = self


class Room:
    """Nodes, their links, and a clock that is moved by hand."""

    def __init__(self, *nodes: Node) -> None:
        self.nodes = list(nodes)
        self.now = 0.0
        self.delivered = 0

    def connect(self, one: Node, other: Node) -> tuple[Link, Link]:
        near, far = Link(one, other.handshake, self.now), Link(other, one.handshake, self.now)
        near.other, far.other = far, near
        return near, far

    def connect_all(self) -> None:
        for place, node in enumerate(self.nodes):
            for other in self.nodes[place + 1 :]:
                self.connect(node, other)

    def disconnect(self, link: Link) -> None:
        for end in (link, link.other):
            if end.open:
                end.open = False
                end.node.links.pop(end.peer)
                end.node.swarm.peer_left(end.peer, self.now)

    def remove(self, node: Node) -> None:
        for link in list(node.links.values()):
            self.disconnect(link)
        self.nodes.remove(node)

    def settle(self, limit: int = 1_000_000) -> None:
        """Deliver until nothing moves; a bound keeps a loop of messages from passing for progress."""
        moved = True
        while moved:
            moved = False
            for node in list(self.nodes):
                moved |= self._run_commands(node)
                for link in list(node.links.values()):
                    moved |= self._deliver(link)
            self.delivered += 1
            assert self.delivered < limit, "the nodes never come to rest"

    def step(self, seconds: float = 1.0) -> None:
        self.now += seconds
        for node in self.nodes:
            node.swarm.tick(self.now)
        self.settle()

    def _deliver(self, link: Link) -> bool:
        moved = bool(link.inbox)
        while link.inbox and link.open:
            try:
                link.node.swarm.received(link.peer, link.inbox.popleft(), self.now)
            except ProtocolError as error:
                link.node.disconnects.append(str(error))
                self.disconnect(link)
        if link.open:
            link.node.swarm.refill(link.peer, self.now)
        return moved

    def _run_commands(self, node: Node) -> bool:
        commands = node.swarm.take_commands()
        for command in commands:
            match command:
                case Send(peer=peer, messages=messages):
                    if peer in node.links:
                        node.links[peer].other.inbox.extend(messages)
                case ServeUploads(peer=peer):
                    self._serve(node, peer)
                case StorePiece(index=index, data=data):
                    node.store(index, data, self.now)
                case Disconnect(peer=peer, reason=reason):
                    node.disconnects.append(reason)
                    if peer in node.links:
                        self.disconnect(node.links[peer])
                case UseMetadata(info=info):
                    node.metadata = info
                case Complete():
                    node.complete = True
        return bool(commands)

    def _serve(self, node: Node, peer: Peer) -> None:
        while (answer := node.swarm.extensions.take_metadata(peer)) is not None:
            if peer in node.links:
                node.links[peer].other.inbox.append(answer)
        while (request := Uploads.take(peer)) is not None:
            if peer not in node.links:
                continue
            info = node.swarm.info
            assert info is not None
            start = info.layout.offset(request.index) + request.begin
            block = node.data[start : start + request.length]
            if node.corrupts:
                block = bytes(len(block))
            node.links[peer].other.inbox.append(Piece(request.index, request.begin, block))
            node.swarm.block_sent(peer, request.length)
