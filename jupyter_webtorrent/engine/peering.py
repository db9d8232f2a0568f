"""One torrent's dealings with its peers: how they are found and met, who joins the swarm, and what it tells them.

The connections themselves are `connections`' business, and whom to ask for what is the swarm's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import TypeAlias

from jupyter_webtorrent.engine.block_reader import BlockReader
from jupyter_webtorrent.engine.connections import Connections
from jupyter_webtorrent.engine.data import TorrentData
from jupyter_webtorrent.engine.discovery import PeerDiscovery
from jupyter_webtorrent.engine.failures import FailureLog
from jupyter_webtorrent.engine.negotiation import Negotiator
from jupyter_webtorrent.engine.peer_connection import PeerConnection
from jupyter_webtorrent.engine.services import Services, unique
from jupyter_webtorrent.engine.throttle import TorrentLimits, UploadTurns
from jupyter_webtorrent.engine.tiers import Tiers, merged
from jupyter_webtorrent.engine.web_seed import WebSeeds
from jupyter_webtorrent.engine.work import Work
from jupyter_webtorrent.net.transport import Transport
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import PeerAddress, PeerId
from jupyter_webtorrent.protocol.messages import Port, Request
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.protocol.reach import Reach, reach_of
from jupyter_webtorrent.swarm.commands import (
    Ban,
    DhtNodeFound,
    Disconnect,
    PeersFound,
    Send,
    ServeUploads,
)
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.swarm import Swarm

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
IDLE_TICK_SECONDS = 10.0
"""While nobody is connected: a session may have a thousand such torrents."""

MAX_NEAR = 1024

PeerCommand: TypeAlias = Send | ServeUploads | Ban | Disconnect | PeersFound | DhtNodeFound


class Peering:
    """Implements `ConnectionOwner`, `WebSeedOwner` and `DiscoveringTorrent`."""

    def __init__(
        self,
        swarm: Swarm,
        data: TorrentData,
        tiers: Tiers,
        services: Services,
        work: Work,
        run_commands: Callable[[], None],
        *,
        private: bool,
    ) -> None:
        """`private` says that the trackers alone may know of the torrent, as far as that is known yet."""
        self.info_hash = swarm.info_hash
        self.swarm = swarm
        self.run_commands = run_commands
        self.failures = FailureLog()
        """Why connections came to nothing."""
        self.connections = Connections(self, services, self.failures)
        self.limits = TorrentLimits(
            services.down, services.up, swarm, run_commands, self._is_exempt
        )
        self.web_seeds = WebSeeds(self, services)
        self._data = data
        self.tiers = tiers
        self._services = services
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._peer_joined = asyncio.Event()
        self._negotiator = Negotiator(services, self._channel_opened, self.failures)
        self._is_private = private
        self.discovery = self._new_discovery()
        self._is_found = False
        """Whether `discovery` has begun, and has not ended."""
        self._tell_port()

    def _tell_port(self) -> None:
        if self._services.listening is not None:
            self.swarm.extensions.listen_port = self._services.listening.port

    def _new_discovery(self) -> PeerDiscovery:
        discovery = PeerDiscovery(self, self.tiers, self._negotiator, self._services)
        if self._is_private:
            discovery.private()
        return discovery

    @property
    def trackers(self) -> tuple[str, ...]:
        """Of all tiers."""
        return unique(*self.tiers)

    @property
    def named_trackers(self) -> tuple[str, ...]:
        """Those that a person named."""
        return tuple(filter(self._services.tcp_trackers.is_named, self.trackers))

    def add_trackers(self, tiers: Tiers) -> None:
        """Ask these too; what is known already is left out."""
        known, self.tiers = self.tiers, merged(self.tiers, tiers)
        self.discovery.add_trackers(self.tiers[len(known) :])

    def start(self) -> None:
        """Begin to look for peers, and to be found."""
        self._is_found = True
        self.discovery.start(self.connections.book.addresses())

    def session_listens(self) -> None:
        """The session has a port only now: there are peer sources that were of no use without one."""
        self._tell_port()
        if self._is_found:
            self._work.spawn_chore(self._start_anew())
        else:
            self.discovery = self._new_discovery()

    async def _start_anew(self) -> None:
        await self.discovery.aclose()
        self.discovery = self._new_discovery()
        self.start()

    def heed_privacy(self, info: Info) -> None:
        """Told as soon as the metadata is known: what is on disk may take long to check."""
        if info.private:
            self._is_private = True
            self.discovery.private()

    def metadata_known(self, info: Info) -> None:
        """Told before the swarm begins."""
        self.connections.metadata_known(info.piece_count)

    async def hang_up(self) -> None:
        """Leave the peers, and whoever names them; it may be started again."""
        await self.connections.aclose()
        if self._is_found:
            self._is_found = False
            await self.discovery.aclose()
            self.discovery = self._new_discovery()
        await self._negotiator.aclose()

    async def tick_often(self) -> None:
        """Tell the swarm the time, until cancelled."""
        while True:
            if self.swarm.peers:
                await asyncio.sleep(TICK_SECONDS)
            else:
                self._peer_joined.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_TICK_SECONDS):
                        await self._peer_joined.wait()
            self.swarm.tick(self._loop.time())
            self.run_commands()

    def carry_out(self, command: PeerCommand) -> None:
        """Do what the swarm asks for, as far as peers are concerned."""
        match command:
            case Send(peer=peer, messages=messages):
                self.connections.send(peer, messages)
            case ServeUploads(peer=peer):
                self.connections.serve_uploads(peer)
            case Ban(peer=peer):
                self.connections.ban(peer)
            case Disconnect():
                self.connections.disconnect(command)
            case PeersFound(addresses=addresses):
                self.peers_found(addresses, "PEX")
            case DhtNodeFound(peer=peer, port=port):
                if (host := self.connections.host_of(peer)) is not None:
                    self.discovery.node_found(PeerAddress(host, port))

    def add_peers(self, addresses: Iterable[PeerAddress]) -> None:
        """Learn where peers may be; they are dialled in their time."""
        for address in addresses:
            if address not in (self._services.listening, *self._services.link_addresses()):
                self.connections.know(address)

    # What its connections ask (`ConnectionOwner`)

    @property
    def reader(self) -> BlockReader | None:
        """Where its blocks are read, once they are on disk."""
        return self._data.disk.reader

    @property
    def handshake(self) -> Handshake:
        supports_dht = self.discovery.dht_port is not None
        return Handshake(self.info_hash, self._services.peer_id, supports_dht=supports_dht)

    def shook_hands(self, connection: PeerConnection, handshake: Handshake) -> Peer:
        self.connections.admit(connection, handshake)
        connection.answer_handshake(self.handshake)
        peer = self.swarm.peer_joined(
            handshake,
            self._loop.time(),
            host=connection.peer_host,
            dialled=connection.address,
        )
        self.connections.joined(connection, peer)
        dht_port = self.discovery.dht_port
        if handshake.supports_dht and dht_port and connection.transport.kind != "webrtc":
            connection.send((Port(dht_port),))
        self._peer_joined.set()
        return peer

    def connection_ended(self, connection: PeerConnection, reason: str) -> None:
        peer = connection.peer
        self.connections.ended(connection, reason)
        if peer is not None:
            self.limits.forget(peer)
            self.swarm.peer_left(peer, self._loop.time())
            self.run_commands()

    def upload_turns(self, peer: Peer) -> UploadTurns:
        return self.limits.upload_turns(peer)

    def _is_exempt(self, peer: Peer) -> bool:
        return not self._services.config.limit_lan and _is_near(peer.host)

    def read_failed(self, peer: Peer, request: Request, error: WebTorrentError) -> None:
        self._data.read_failed(peer, request, error)

    def _channel_opened(
        self, transport: Transport, outgoing: bool, offer_id: bytes, direct_host: str | None = None
    ) -> None:
        if self._work.is_open and self.connections.room > 0:
            self.connections.add(
                transport, outgoing=outgoing, negotiation=offer_id, direct_host=direct_host
            )
        else:
            self.connections.no_room(transport)

    # What its peer sources ask (`DiscoveringTorrent`)

    def peers_found(self, addresses: Iterable[PeerAddress], source: str) -> None:
        """A peer source, by its name for people, heard of these."""
        log.debug("%s: %s named peers", self.info_hash, source)
        self.add_peers(addresses)

    @property
    def bytes_left(self) -> int | None:
        """Of what is wanted; on demand all that is not here may be."""
        downloader = self.swarm.downloader
        if downloader is None or not self.swarm.on_demand:
            return None if downloader is None else downloader.bytes_left
        layout = downloader.layout
        return layout.total - layout.bytes_had(0, layout.total, downloader.have)

    @property
    def bytes_down(self) -> int:
        return self.swarm.down.total

    @property
    def bytes_up(self) -> int:
        return self.swarm.up.total

    @property
    def peer_count(self) -> int:
        return len(self.swarm.peers)

    @property
    def wanted_peers(self) -> int:
        return self.connections.room

    def is_connected_to(self, peer_id: PeerId) -> bool:
        return self.connections.by_id(peer_id) is not None


@lru_cache(MAX_NEAR)
def _is_near(host: str) -> bool:
    """Whether an address is on this machine or the local network; asked for each block while there is a limit."""
    return reach_of(host) in (Reach.MACHINE, Reach.NETWORK)
