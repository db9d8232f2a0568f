"""One peer's connection: the glue between its transport, its wire and its torrent's swarm.

It shakes hands, keeps the connection alive, and sends the blocks the peer waits for. What to ask, and whom
to serve, is the swarm's decision.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from jupyter_webtorrent.engine.block_reader import BlockReader
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.throttle import UploadTurns
from jupyter_webtorrent.net.transport import HIGH_WATER, Buffer, Transport
from jupyter_webtorrent.protocol.errors import ProtocolError, WebTorrentError
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import PeerAddress, PeerId
from jupyter_webtorrent.protocol.layout import BLOCK_SIZE
from jupyter_webtorrent.protocol.messages import KEEP_ALIVE, Message, Piece, Request
from jupyter_webtorrent.protocol.peer import PeerProtocol
from jupyter_webtorrent.schema.failures import FailureCode
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.swarm import Swarm
from jupyter_webtorrent.swarm.uploads import Uploads

KEEP_ALIVE_SECONDS = 55.0
MAX_UNSENT_BYTES = 1 << 20
"""Of a peer that does not read. What it asked for stops at HIGH_WATER, a block or less below this."""


class ConnectionOwner(Protocol):
    """The torrent, as far as a connection knows it."""

    swarm: Swarm

    @property
    def reader(self) -> BlockReader | None: ...

    @property
    def handshake(self) -> Handshake:
        """Ours, for this torrent."""

    def shook_hands(self, connection: PeerConnection, handshake: Handshake) -> Peer:
        """The peer named this torrent; raises WebTorrentError if the connection is not to stay."""

    def connection_ended(self, connection: PeerConnection, reason: str) -> None: ...

    def upload_turns(self, peer: Peer) -> UploadTurns:
        """How the peer's requests are held to the limits."""

    def run_commands(self) -> None: ...

    def read_failed(self, peer: Peer, request: Request, error: WebTorrentError) -> None:
        """A block that the peer waits for cannot be read."""


class HandshakeRouter(Protocol):
    """Whom an incoming connection asks whose it is."""

    def route(self, connection: PeerConnection, handshake: Handshake) -> ConnectionOwner:
        """The torrent that a handshake names; raises WebTorrentError if there is none."""

    def connection_ended(self, connection: PeerConnection, reason: str) -> None: ...


class PeerConnection:
    """A connection, from its first byte to its last. Implements `Receiver` and `PeerLink`."""

    def __init__(
        self,
        transport: Transport,
        config: EngineConfig,
        *,
        outgoing: bool,
        router: HandshakeRouter | None = None,
        owner: ConnectionOwner | None = None,
        address: PeerAddress | None = None,
        negotiation: bytes = b"",
        direct_host: str | None = None,
    ) -> None:
        self.transport = transport
        self.outgoing = outgoing
        """Whether we began it: for TCP we dialled, for WebRTC we made the offer."""
        self.address = address
        """Where it was dialled, if it was."""
        self.negotiation = negotiation
        """For WebRTC, the offer's id: both ends know it."""
        self._direct_host = direct_host
        self.peer: Peer | None = None
        self.given_up = False
        """Whether there is no use in connecting to its other end again."""
        self.failure: FailureCode | None = FailureCode.NO_HANDSHAKE
        """What it is if it ends before hands are shaken; None: nothing that anybody need know."""
        self._config = config
        self._router = router
        self._owner = owner
        self._protocol = PeerProtocol()
        self._loop = asyncio.get_running_loop()
        self._ended = False
        self._sent_handshake = False
        self._heard_at = self._sent_at = self._loop.time()
        self._uploads_waiting = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(config.handshake_timeout, self._check_time)

    def start(self, ours: Handshake | None = None) -> None:
        """Begin; `ours` is sent at once if the torrent is known, otherwise after the peer's."""
        if ours is not None:
            self._send_handshake(ours)
        self.transport.start(self)

    def initiated_by(self, our_id: PeerId, their_id: PeerId) -> PeerId:
        return our_id if self.outgoing else their_id

    @property
    def kind(self) -> str:
        return self.transport.kind

    @property
    def remote(self) -> str:
        return self.transport.remote

    @property
    def client(self) -> str:
        """The peer's program: by its name (BEP 10), else by its peer id."""
        if self.peer is None:
            return ""
        told = self.peer.extensions.client if self.peer.extensions else ""
        return told or str(self.peer.handshake.peer_id)

    @property
    def address_host(self) -> str:
        """The other end's host, without its port."""
        return self.transport.remote.rpartition(":")[0].strip("[]")

    @property
    def peer_host(self) -> str:
        """The peer's own IP address; empty where a relay or a router stands for it."""
        return self._direct_host or "" if self.transport.kind == "webrtc" else self.address_host

    @property
    def failure_address(self) -> str:
        """What it is called where failures are told: as it was dialled, if it was."""
        return str(self.address or self.transport.remote)

    def write(self, *parts: Buffer) -> None:
        self._sent_at = self._loop.time()
        self.transport.write(*parts)

    def send(self, messages: tuple[Message, ...]) -> None:
        if self.transport.unsent > MAX_UNSENT_BYTES - BLOCK_SIZE:
            self.close(f"the peer does not read: {self.transport.unsent} bytes are unsent")
        else:
            self.write(b"".join([message.encode() for message in messages]))

    def serve_uploads(self) -> None:
        """There are blocks to send."""
        self._uploads_waiting.set()

    def metadata_known(self, piece_count: int) -> None:
        self._protocol.piece_count = piece_count

    def close(self, reason: str, *, final: bool = False) -> None:
        """End it now, `final` for good; the owner is told before this returns."""
        self.given_up = self.given_up or final
        self._end(reason)
        self.transport.close(reason)

    async def aclose(self, reason: str) -> None:
        """End it and wait until nothing of it is left."""
        self._end(reason)
        await self.transport.aclose()
        if self._serving is not None:
            await asyncio.gather(self._serving, return_exceptions=True)

    # Receiver

    def get_buffer(self) -> memoryview:
        return self._protocol.get_buffer()

    def buffer_updated(self, count: int) -> None:
        if self._ended:
            return
        now = self._heard_at = self._loop.time()
        try:
            for event in self._protocol.receive(count):
                if self._has_ended():
                    return
                if isinstance(event, Handshake):
                    self._shake_hands(event)
                elif self._owner is not None and self.peer is not None:
                    self._owner.swarm.received(self.peer, event, now)
        except WebTorrentError as error:
            self.close(str(error))
        owner, peer = self._owner, self.peer
        if owner is not None and peer is not None:
            if not self._has_ended():
                owner.swarm.refill(peer, now)
            owner.run_commands()

    def closed(self, reason: str) -> None:
        self._end(reason)

    # Its life

    def _send_handshake(self, ours: Handshake) -> None:
        self._sent_handshake = True
        self.write(ours.encode())

    def _shake_hands(self, theirs: Handshake) -> None:
        if self._owner is None:
            assert self._router is not None
            self._owner = self._router.route(self, theirs)
        swarm = self._owner.swarm
        if theirs.info_hash != swarm.info_hash:
            self.failure = FailureCode.WRONG_TORRENT
            raise ProtocolError("the peer answered for another torrent")
        self.peer = self._owner.shook_hands(self, theirs)
        if swarm.info is not None:
            self._protocol.piece_count = swarm.info.piece_count
        self._serving = self._loop.create_task(self._serve(self._owner, self.peer))
        self._timer.cancel()
        self._timer = self._loop.call_later(KEEP_ALIVE_SECONDS, self._check_time)

    def answer_handshake(self, ours: Handshake) -> None:
        """Send our handshake, unless it went out already."""
        if not self._sent_handshake:
            self._send_handshake(ours)

    def _has_ended(self) -> bool:
        return self._ended

    def _end(self, reason: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._timer.cancel()
        self._protocol.release()
        if self._serving is not None:
            self._serving.cancel()
        if self._owner is not None:
            self._owner.connection_ended(self, reason)
        if self._router is not None:
            self._router.connection_ended(self, reason)

    def _check_time(self) -> None:
        now = self._loop.time()
        if self.peer is None:
            self.close(f"no handshake in {self._config.handshake_timeout:.0f} s")
            return
        if now - self._heard_at > self._config.idle_timeout:
            self.close(f"silent for {self._config.idle_timeout:.0f} s")
            return
        if now - self._sent_at >= KEEP_ALIVE_SECONDS - 1:
            self.write(KEEP_ALIVE)
        self._timer = self._loop.call_later(KEEP_ALIVE_SECONDS / 2, self._check_time)

    async def _serve(self, owner: ConnectionOwner, peer: Peer) -> None:
        """Send what the peer asked for, as fast as it takes it and the limits allow: metadata, then blocks."""
        turns, extensions = owner.upload_turns(peer), owner.swarm.extensions
        while True:
            await self._uploads_waiting.wait()
            self._uploads_waiting.clear()
            while True:
                if (answer := extensions.take_metadata(peer)) is not None:
                    self.write(answer.encode())
                elif peer.uploads:
                    if turns.are_limited:
                        request = await turns.next()
                    else:
                        request = Uploads.take(peer)
                    if request is None:
                        continue  # choked meanwhile, or cancelled
                    try:
                        await self._send_block(owner, peer, request)
                    except WebTorrentError as error:
                        owner.read_failed(peer, request, error)
                else:
                    break
                if self.transport.unsent > HIGH_WATER:
                    await self.transport.drain()

    async def _send_block(self, owner: ConnectionOwner, peer: Peer, request: Request) -> None:
        """Raises StorageError if it cannot be read."""
        reader = owner.reader
        assert reader is not None
        block = reader.cached(request.index, request.begin, request.length)
        if block is None:
            block = await reader.read(request.index, request.begin, request.length)
        if request.length < BLOCK_SIZE:
            block = memoryview(bytes(block))  # a view would keep its whole chunk in memory
        self.write(Piece.header(request.index, request.begin, request.length), block)
        owner.swarm.block_sent(peer, request.length)
