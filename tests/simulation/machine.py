"""A simulated peer: a real Swarm, driven as the engine drives it, but its pieces hold no bytes."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from jupyter_webtorrent.net.transport import HIGH_WATER
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.layout import BLOCK_SIZE
from jupyter_webtorrent.protocol.messages import Piece, Request
from jupyter_webtorrent.protocol.metainfo import Info
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
from tests.simulation.clock import VirtualClock
from tests.simulation.network import AccessLink, Item, Stream

ZEROS = memoryview(bytes(BLOCK_SIZE))


class Machine:
    """One peer and its access link."""

    def __init__(
        self, name: str, info: Info, info_hash: InfoHash, link: AccessLink, have: Bitfield
    ) -> None:
        self.name = name
        self.link = link
        self.clock: VirtualClock = link.clock
        self.random = Random(name)
        self.handshake = Handshake(info_hash, PeerId(name.encode().ljust(20, b"-")))
        self.swarm = Swarm(info_hash, self.random, self.clock.now)
        self.connections: dict[Peer, Connection] = {}
        self.neighbours: dict[Machine, Connection] = {}
        self.joined_at = self.clock.now
        self.completed_at: float | None = None
        self.progress_at = self.clock.now
        self.longest_wait = 0.0
        """The longest time without a block that was of use."""
        self.gone = False
        self._running = False
        wanted: Collection[int] = range(info.piece_count)
        self.swarm.start(info, have, wanted, self.clock.now)
        self.run_commands()
        self.clock.at(self.clock.now + self.random.random(), self._tick)

    def leave(self) -> None:
        self.gone = True
        for connection in list(self.connections.values()):
            connection.close()

    def _tick(self) -> None:
        if not self.gone:
            self.swarm.tick(self.clock.now)
            self.run_commands()
            self.clock.at(self.clock.now + 1.0, self._tick)

    def run_commands(self) -> None:
        if self._running:
            return
        self._running = True
        while commands := self.swarm.take_commands():
            for command in commands:
                match command:
                    case Send(peer=peer, messages=messages):
                        if peer in self.connections:
                            self.connections[peer].out.write(messages)
                    case ServeUploads(peer=peer):
                        if peer in self.connections:
                            self.connections[peer].serve()
                    case StorePiece(index=index):
                        self.swarm.piece_stored(index, self.clock.now, ok=True)
                    case Disconnect(peer=peer):
                        if peer in self.connections:
                            self.connections[peer].close()
                    case Complete():
                        if self.completed_at is None:
                            self.completed_at = self.clock.now
                    case UseMetadata():
                        raise AssertionError("everybody has the metadata")
        self._running = False

    def block_came(self) -> None:
        self.longest_wait = max(self.longest_wait, self.clock.now - self.progress_at)
        self.progress_at = self.clock.now


class Connection:
    """One machine's end of a connection."""

    def __init__(self, machine: Machine, remote: Machine) -> None:
        self.machine = machine
        self.remote = remote
        self.peer = machine.swarm.peer_joined(remote.handshake, machine.clock.now)
        self.out: Stream
        self.other: Connection
        self.is_open = True
        machine.connections[self.peer] = self
        machine.neighbours[remote] = self

    def deliver(self, item: Item) -> None:
        machine = self.machine
        swarm, now = machine.swarm, machine.clock.now
        if isinstance(item, Request):
            wasted = swarm.downloader.wasted_bytes if swarm.downloader else 0
            block = Piece(item.index, item.begin, ZEROS[: item.length])
            swarm.received(self.peer, block, now)
            if swarm.downloader and swarm.downloader.wasted_bytes == wasted:
                machine.block_came()
        else:
            for message in item:
                swarm.received(self.peer, message, now)
        swarm.refill(self.peer, now)
        machine.run_commands()

    def serve(self) -> None:
        """Take blocks as the engine does: as long as little of the connection's data is unsent."""
        while self.out.unsent <= HIGH_WATER and (request := Uploads.take(self.peer)) is not None:
            self.machine.swarm.block_sent(self.peer, request.length)
            self.out.write(request)

    def close(self) -> None:
        for end in (self, self.other):
            if end.is_open:
                end.is_open = end.out.is_open = False
                machine = end.machine
                del machine.connections[end.peer], machine.neighbours[end.remote]
                machine.swarm.peer_left(end.peer, machine.clock.now)
                machine.run_commands()


def connect(one: Machine, other: Machine) -> None:
    """A connection between two machines whose handshakes have gone over."""
    near, far = Connection(one, other), Connection(other, one)
    near.other, far.other = far, near
    near.out = Stream(one.link, other.link, far.deliver, near.serve)
    far.out = Stream(other.link, one.link, near.deliver, far.serve)
    one.run_commands()
    other.run_commands()
