"""One torrent's connections: whom to dial, which of two to one peer stays, and who is who."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from msgspec.structs import replace

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.failures import FailureLog
from jupyter_webtorrent.engine.peer_connection import ConnectionOwner, PeerConnection
from jupyter_webtorrent.engine.peer_link import PeerLink
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.net.errors import ConnectError, NetError
from jupyter_webtorrent.net.transport import Transport
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import PeerAddress, PeerId
from jupyter_webtorrent.protocol.messages import Message
from jupyter_webtorrent.schema.failures import FailureCode
from jupyter_webtorrent.schema.transfers import PeerStatus
from jupyter_webtorrent.swarm.commands import Disconnect
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.peer_book import PeerBook

DIAL_SECONDS = 0.5
"""Between two looks at the known addresses while one is due and there is no room for it."""
LONGEST_LOOK_SECONDS = 60.0
IDLE_SECONDS = 1.0
"""How long a peer with nothing to give or take may stay where there is no room for another."""
WAITING_SECONDS = 60.0
"""The same for one that waits for blocks, or that we wait for."""
MAX_DIALS_AT_ONCE = 8
MAX_GONE = 100
MOVE_SECONDS = 1.0
"""How old a WebRTC connection is when TCP is tried too: by then the peer has told its port."""
MAX_MOVES = 1000
FIRST_USER_PORT = 1024


SENT_WRONG_BYTES = "it sent wrong bytes"
"""Why an address is not dialled any more."""


class Connections:
    """All connections of a torrent, those without a handshake yet too."""

    def __init__(self, owner: ConnectionOwner, services: Services, failures: FailureLog) -> None:
        self.book = PeerBook(services.random)
        self._failures = failures
        self._owner = owner
        self._services = services
        self._closing = False
        self._all: set[PeerConnection] = set()
        self._by_peer: dict[Peer, PeerLink] = {}
        self._look_again = asyncio.Event()
        """An address was learned, or there may be room for one more."""
        self._dials: set[asyncio.Task[None]] = set()
        self._moves: set[PeerAddress] = set()
        """Where peers that we met over WebRTC were dialled."""
        self._move_timers: dict[Peer, asyncio.TimerHandle] = {}
        self._gone: dict[PeerId, PeerStatus] = {}
        """Peers that have gone and sent blocks, the last MAX_GONE of them."""
        self._gone_bytes: Counter[str] = Counter()
        """Block bytes received over connections that have ended, by transport."""

    def shaken(self) -> list[tuple[Peer, PeerConnection]]:
        """The peers that shook hands, with their connections."""
        return [
            (peer, link) for peer, link in self._by_peer.items() if isinstance(link, PeerConnection)
        ]

    @property
    def room(self) -> int:
        """How many more connections may be made."""
        config = self._services.config
        return min(
            config.max_peers_per_torrent - len(self._all) - len(self._dials),
            config.max_peers - self._services.open_connections,
        )

    def by_id(self, peer_id: PeerId) -> PeerConnection | None:
        for peer, connection in self.shaken():
            if peer.handshake.peer_id == peer_id:
                return connection
        return None

    # Coming and going

    def know(self, address: PeerAddress) -> None:
        """Learn where a peer may be; it is dialled in its time."""
        self.book.add(address)
        self._look_again.set()

    def forgive(self, reason: str) -> None:
        """Dial those again that were of no more use, or worse, for this reason."""
        self.book.forgive(reason)
        self._look_again.set()

    def dial_again(self) -> None:
        """Nobody is here, and somebody is needed: dial now whoever did not answer before."""
        self.book.retry()
        self._look_again.set()

    def add(
        self,
        transport: Transport,
        *,
        outgoing: bool,
        address: PeerAddress | None = None,
        negotiation: bytes = b"",
        direct_host: str | None = None,
    ) -> None:
        """A transport to a peer of this torrent is open: shake hands over it."""
        connection = PeerConnection(
            transport,
            self._services.config,
            outgoing=outgoing,
            owner=self._owner,
            address=address,
            negotiation=negotiation,
            direct_host=direct_host,
        )
        self._all.add(connection)
        self._services.open_connections += 1
        connection.start(self._owner.handshake)

    def admit(self, connection: PeerConnection, handshake: Handshake) -> None:
        """Refuse ourselves and a second connection to one peer; raises EngineError.

        Both sides must choose the same one of two: TCP before WebRTC, then the one that the smaller peer id
        began, then, of two data channels, the one with the larger offer id.
        """
        ours, theirs = self._services.peer_id, handshake.peer_id
        if theirs == ours:
            connection.failure = None
            if connection.address is not None:
                self.book.ban(connection.address, "this is ourselves")
            raise EngineError("this is ourselves")
        if self._services.bans.bars_peer(theirs, connection.address_host):
            raise EngineError("this peer sent bad pieces")
        existing = self.by_id(theirs)
        if existing is None:
            if connection not in self._all and self.room <= 0:
                self._make_room(connection.transport)
            return

        def rank(candidate: PeerConnection) -> tuple[bool, bool, bytes]:
            first = candidate.initiated_by(ours, theirs) == min(ours, theirs)
            return (candidate.transport.kind != "webrtc", first, candidate.negotiation)

        if rank(connection) <= rank(existing):
            connection.failure = None
            raise EngineError("there is a connection to this peer already")
        existing.close("a better connection to this peer was made")

    def _make_room(self, newcomer: Transport) -> None:
        """Let a peer go that has been idle for long; raises EngineError if none has.

        Those that wait for blocks are kept longer than those that want nothing, and of these the one that
        was idle longest goes: a newcomer has the time to become of use, whoever crowds in after it.
        """
        now = _now()
        idle = [
            peer
            for peer, _ in self.shaken()
            if now - peer.moved_at > (WAITING_SECONDS if peer.is_of_interest else IDLE_SECONDS)
        ]
        if not idle:
            raise EngineError(self._no_room(newcomer))
        longest = min(idle, key=lambda peer: (peer.is_of_interest, peer.moved_at))
        self._by_peer[longest].close("made room for another peer")

    def no_room(self, transport: Transport) -> None:
        """A transport is open, and there are peers enough."""
        transport.close(self._no_room(transport))

    def _no_room(self, transport: Transport) -> str:
        error = ConnectError(FailureCode.NO_ROOM, "no room for one more peer")
        host = transport.remote.rpartition(":")[0]  # its port is another one each time
        self._failures.add_error(host, transport.kind, error, _now())
        return str(error)

    def joined(self, connection: PeerConnection, peer: Peer) -> None:
        """Hands are shaken: the swarm knows it as `peer`."""
        if connection not in self._all:  # it came in and named this torrent
            self._all.add(connection)
            self._services.open_connections += 1
        self._by_peer[peer] = connection
        if connection.transport.kind == "webrtc" and "tcp" in self._services.config.transports:
            self._move_later(peer)
        if connection.address is not None:
            self.book.add(connection.address)  # not known yet, if it was dialled for what it told
            self.book.connected(connection.address)
        self._failures.connected(connection.failure_address)
        self._failures.connected(str(peer.handshake.peer_id))

    def ended(self, connection: PeerConnection, reason: str) -> None:
        if connection not in self._all:
            return
        self._all.discard(connection)
        self._services.open_connections -= 1
        self._look_again.set()
        if connection.peer in self._move_timers:
            self._move_timers.pop(connection.peer).cancel()
        if connection.peer is not None and self._by_peer.pop(connection.peer, None) is not None:
            self._remember(connection.peer, connection)
        if connection.address is not None:
            peer = connection.peer
            was_of_use = peer is not None and bool(peer.down.total or peer.up.total)
            self.book.failed(connection.address, _now(), was_of_use=was_of_use)
            if peer is None:
                self.book.try_otherwise(connection.address)
            if connection.given_up:
                self.book.ban(connection.address, reason)
        if connection.peer is None and connection.failure is not None and not self._closing:
            error = ConnectError(connection.failure, f"connected, but {reason}")
            address, kind = connection.failure_address, connection.transport.kind
            self._failures.add_error(address, kind, error, _now())

    def web_seed_joined(self, link: PeerLink, peer: Peer) -> None:
        """The swarm knows a web seed as `peer`. It is no connection: no limit of theirs counts it."""
        self._by_peer[peer] = link

    def web_seed_left(self, link: PeerLink, peer: Peer) -> None:
        del self._by_peer[peer]
        self._remember(peer, link)

    def metadata_known(self, piece_count: int) -> None:
        for connection in self._all:
            connection.metadata_known(piece_count)

    async def aclose(self) -> None:
        """Leave every peer; new ones may be met later."""
        self._closing = True
        try:
            for dial in self._dials:
                dial.cancel()
            await asyncio.gather(*self._dials, return_exceptions=True)
            closing = [connection.aclose("the torrent was stopped") for connection in self._all]
            await asyncio.gather(*closing)
        finally:
            self._closing = False

    # What is told of them

    def bytes_by_transport(self) -> Counter[str]:
        """Block bytes received, by transport."""
        counts = Counter(self._gone_bytes)
        for peer, link in self._by_peer.items():
            counts[link.kind] += peer.down.total
        return +counts

    def peer_statuses(self) -> list[PeerStatus]:
        """Who is connected, then who has gone and sent blocks before."""
        here = [_status(peer, link) for peer, link in self._by_peer.items()]
        ids = {peer.handshake.peer_id for peer in self._by_peer}
        return here + [status for peer_id, status in self._gone.items() if peer_id not in ids]

    def peers_by_transport(self) -> dict[str, int]:
        """How many are connected, by the kind of their transport."""
        return dict(Counter(link.kind for link in self._by_peer.values()))

    def _remember(self, peer: Peer, link: PeerLink) -> None:
        if not peer.down.total:
            return
        self._gone_bytes[link.kind] += peer.down.total
        earlier = self._gone.pop(peer.handshake.peer_id, None)
        status = replace(_status(peer, link), connected=False, down_rate=0.0, up_rate=0.0)
        if earlier is not None:
            status = replace(
                status,
                downloaded=status.downloaded + earlier.downloaded,
                uploaded=status.uploaded + earlier.uploaded,
            )
        self._gone[peer.handshake.peer_id] = status
        while len(self._gone) > MAX_GONE:
            del self._gone[next(iter(self._gone))]

    def host_of(self, peer: Peer) -> str | None:
        """The IP address of a peer over TCP."""
        link = self._by_peer.get(peer)
        return peer.host or None if link is not None and link.kind != "webrtc" else None

    # Commands

    def send(self, peer: Peer, messages: tuple[Message, ...]) -> None:
        if (link := self._by_peer.get(peer)) is not None:
            link.send(messages)

    def serve_uploads(self, peer: Peer) -> None:
        if (link := self._by_peer.get(peer)) is not None:
            link.serve_uploads()

    def disconnect(self, command: Disconnect) -> None:
        if (link := self._by_peer.get(command.peer)) is not None:
            link.close(command.reason, final=command.final)

    def ban(self, peer: Peer) -> None:
        """It sent wrong bytes: no torrent of this session takes it back."""
        self._services.bans.add(peer)
        if peer.dialled is not None:
            self.book.ban(peer.dialled, SENT_WRONG_BYTES)

    # Dialling

    async def dial_often(self) -> None:
        """Try the known addresses, each in its time, for as long as there is use for them."""
        if "tcp" not in self._services.config.transports:
            return
        loop = asyncio.get_running_loop()
        while True:
            room = min(self.room, MAX_DIALS_AT_ONCE - len(self._dials))
            self._look_again.clear()
            connected = {peer.address for peer in self._by_peer}
            for address in self.book.take(max(0, room), loop.time(), besides=connected):
                if self._services.bans.bars_address(address):
                    self.book.ban(address, SENT_WRONG_BYTES)
                else:
                    self._begin_dial(address)
            wait = min(max(self.book.next_try - loop.time(), DIAL_SECONDS), LONGEST_LOOK_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._look_again.wait()

    def _move_later(self, peer: Peer) -> None:
        """Plan `_move_to_tcp`: first for the smaller peer id, for one such connection will do."""
        ours_first = self._services.peer_id < peer.handshake.peer_id
        wait = MOVE_SECONDS if ours_first else 3 * MOVE_SECONDS
        loop = asyncio.get_running_loop()
        self._move_timers[peer] = loop.call_later(wait, self._move_to_tcp, peer)

    def _move_to_tcp(self, peer: Peer) -> None:
        """Dial, once, a peer that we met over WebRTC: if it answers, `admit` keeps the better connection.

        Only the host that ICE proved to be the peer is dialled, and no port of the system's own services:
        a stranger named it.
        """
        address = peer.address
        if (
            not self._closing
            and address is not None
            and address.port >= FIRST_USER_PORT
            and address not in self._moves
            and len(self._moves) < MAX_MOVES
            and self.room > 0
        ):
            self._moves.add(address)
            self._begin_dial(address)

    def _begin_dial(self, address: PeerAddress) -> None:
        dial = asyncio.get_running_loop().create_task(self._dial(address))
        self._dials.add(dial)
        dial.add_done_callback(self._dials.discard)

    async def _dial(self, address: PeerAddress) -> None:
        config = self._services.config
        try:
            async with asyncio.timeout(config.connect_timeout):
                transport = await self._services.network.dial(address)
        except NetError as error:
            failure = error
        except TimeoutError:
            silent = f"{address} did not answer in {config.connect_timeout:.0f} s"
            failure = ConnectError(FailureCode.TIMED_OUT, silent)
        else:
            transport = self._services.obfuscation.outgoing(
                transport,
                self._owner.swarm.info_hash,
                obfuscated=self.book.is_obfuscated(address),
            )
            self.add(transport, outgoing=True, address=address)
            return
        self.book.failed(address, _now())
        self._failures.add_error(str(address), "tcp", failure, _now())
        self._look_again.set()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _status(peer: Peer, link: PeerLink) -> PeerStatus:
    return PeerStatus(
        address=link.remote,
        client=link.client,
        transport=link.kind,
        down_rate=peer.down.rate,
        up_rate=peer.up.rate,
        downloaded=peer.down.total,
        uploaded=peer.up.total,
        progress=peer.progress,
    )
