"""All torrents of one engine: shared, fetched, listed and removed, behind one listening port and one peer id.

Nothing is opened before the first share or fetch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from random import Random, SystemRandom
from types import TracebackType
from typing import Self

from jupyter_webtorrent.engine import changes, choice, leftovers, reachability, status
from jupyter_webtorrent.engine.block_reader import ChunkCache
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.file_watch import FileWatch
from jupyter_webtorrent.engine.incoming import IncomingConnections
from jupyter_webtorrent.engine.links import Source
from jupyter_webtorrent.engine.listening import SessionListener
from jupyter_webtorrent.engine.memory import SessionMemory
from jupyter_webtorrent.engine.obfuscation import Obfuscation
from jupyter_webtorrent.engine.offload import Offload, ThreadOffload
from jupyter_webtorrent.engine.own_folders import OwnFolders
from jupyter_webtorrent.engine.plans import Plan, Planner, same_again
from jupyter_webtorrent.engine.restore import kept_torrent
from jupyter_webtorrent.engine.running import RunningTorrents
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.stream import FileStream
from jupyter_webtorrent.engine.tcp_trackers import TcpTrackers
from jupyter_webtorrent.engine.throttle import Throttle
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.engine.unread import surplus
from jupyter_webtorrent.net.datagrams import DatagramNetwork, UdpNetwork
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.net.tcp import TcpNetwork
from jupyter_webtorrent.net.trackers.websocket import WebSocketTracker
from jupyter_webtorrent.net.transport import Network
from jupyter_webtorrent.net.webseed import HttpRanges, RangeReader
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.magnet import MagnetLink
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FilePriority,
    SessionStatus,
    ShareRequest,
    TransferDetails,
    TransferStatus,
)

log = logging.getLogger(__name__)


class Session:
    """An async context manager: leaving it stops every torrent and closes every socket.

    All calls come from one event loop. What a person can mend is raised as a WebTorrentError.
    """

    def __init__(
        self,
        config: EngineConfig,
        *,
        network: Network | None = None,
        datagrams: DatagramNetwork | None = None,
        offload: Offload | None = None,
        random: Random | None = None,
        http: GuardedClient | None = None,
        ranges: RangeReader | None = None,
        port: int = 0,
    ) -> None:
        """On a `network` that is not the machine's, the DHT needs `datagrams` of that network too.

        `port` is tried first where any will do: that of the session whose place this one takes.
        """
        self._datagrams = UdpNetwork() if network is None and datagrams is None else datagrams
        random = random or SystemRandom()
        http = http or GuardedClient(trusted_hosts=config.trusted_hosts)
        self._services = Services(
            config=config,
            peer_id=PeerId.ours(random.randbytes(12)),
            random=random,
            network=network or TcpNetwork(),
            offload=offload or ThreadOffload(),
            cache=ChunkCache(config.piece_cache_bytes),
            obfuscation=Obfuscation(
                config.encryption,
                random,
                self._open_to_strangers,
                lambda: asyncio.get_running_loop().time(),
            ),
            down=Throttle(config.down_limit),
            up=Throttle(config.up_limit),
            new_tracker=WebSocketTracker,
            http=http,
            ranges=ranges or HttpRanges(http),
            own_folders=OwnFolders(config.state_folder),
            tcp_trackers=TcpTrackers(http, random),
        )
        self._running = RunningTorrents(self._services)
        self.torrents = self._running.torrents
        self._incoming = IncomingConnections(self._services, self.torrents)
        self._listener = SessionListener(self._services, port, self._incoming.accepted)
        self._listening = asyncio.Lock()
        self._changing = asyncio.Lock()
        """Held while a torrent comes or goes, so that there is one of each info hash."""
        self._planner = Planner(self._services)
        self._memory = SessionMemory(self._services, self.torrents)
        self._background: list[asyncio.Task[None]] = []
        """What goes on as long as the session."""

    async def __aenter__(self) -> Self:
        """Go on with what earlier sessions left; without a port if that is nothing."""
        watch = FileWatch(self.torrents, self._services.offload)
        self._background.append(asyncio.create_task(watch.run()))
        async with self._changing:
            try:
                await self._restore()
            except Exception:  # whatever a network home raises: new transfers need none of it
                log.exception("What earlier sessions left cannot be taken up")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def config(self) -> EngineConfig:
        return self._services.config

    def configure(self, config: EngineConfig) -> None:
        """Take over settings of which only those that apply at once (`changes.AT_ONCE`) are new."""
        changes.apply(config, self._services, self.torrents.values())

    async def save(self) -> None:
        """Have every torrent remembered, so that another session can go on; raises StorageError if none can."""
        await self._memory.save()

    def go_on_from(self, before: Session) -> None:
        """Take over what another session remembers, before that one is closed and this one is entered."""
        self._memory.go_on_from(before._memory)

    async def aclose(self) -> None:
        self._planner.stop()
        await self._listener.aclose()
        await self._incoming.aclose()
        await self._running.aclose()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._memory.aclose()
        await self._services.aclose()

    # Torrents

    async def share(self, request: ShareRequest) -> Torrent:
        """Hash the paths into one torrent and seed it; returns once it can be fetched."""
        plan = await self._planner.share(request)
        try:
            await self.listen()
            async with self._changing:
                existing = self.torrents.get(plan.info_hash)
                if existing is not None and plan.is_shared_by(existing):
                    await leftovers.clear_plan(self._services, plan, besides=existing)
                    existing.peering.add_peers(plan.addresses)
                    existing.goal.set(request.seed_ratio, request.seed_seconds)
                    self._services.keep(existing.info_hash)
                    existing.resume()
                    return existing
                torrent = await self._running.begin_in_place_of(existing, plan)
        except WebTorrentError:
            await leftovers.clear_plan(self._services, plan)
            raise
        await torrent.arrival.wait()
        return torrent

    async def source(self, request: FetchRequest) -> Source:
        """What is to be fetched, which may have to be downloaded first: that changes nothing here."""
        return await self._planner.source(request)

    async def fetch(self, request: FetchRequest, source: Source | None = None) -> Torrent:
        """Begin to fetch; returns as soon as it has begun. `source`, if it is known already, is the request's.

        What is on its way already is not begun again, but goes on with the files that this request adds.
        """
        plan = await self._planner.fetch(request, source or await self.source(request))
        torrent = await self._fetch(plan)
        if request.on_demand:
            async with self._changing:
                for unread in surplus(self.torrents.values(), self._services, besides=torrent):
                    await self._remove(unread, delete_data=True)
        return torrent

    async def _fetch(self, plan: Plan) -> Torrent:
        await self.listen()
        async with self._changing:
            existing = self.torrents.get(plan.info_hash)
            if existing is not None and plan.is_served_by(existing):
                existing.peering.add_peers(plan.addresses)
                existing.learn(plan.source, plan.tiers, plan.web_seeds)
                if choice.covers(existing, plan.selection):
                    if existing.swarm.on_demand or not plan.selection.on_demand:
                        existing.resume()
                    return existing
                plan = plan.extending(existing)
            self._planner.check_ways(plan)
            if existing is not None and existing.info is not None:
                plan.selection.choose(existing.info)  # raises before anything is given up
            torrent = await self._running.begin_in_place_of(existing, plan)
            torrent.resume()
            return torrent

    async def set_priorities(
        self, info_hash: InfoHash, priorities: Mapping[int, FilePriority]
    ) -> Torrent:
        """Change how much some files, by index, are wanted; those not named stay as they are.

        Raises TransferNotFoundError, EngineError, and DiskFullError if what is added has no room.
        """
        while not await choice.set_priorities(
            self._services, torrent := self.torrent(info_hash), priorities
        ):
            async with self._changing:
                if self.torrents.get(info_hash) is torrent:  # nobody was faster
                    return await self._running.begin_in_place_of(torrent, same_again(torrent))
        return torrent

    def open_stream(self, info_hash: InfoHash, file: int | str) -> FileStream:
        """A reader of a file, by its index or its path in the torrent; close it when done.

        Raises TransferNotFoundError, and EngineError if too many are open.
        """
        return self.torrent(info_hash).data.streams.open(file)

    async def remove(
        self, info_hash: InfoHash, *, delete_data: bool = False, only_on_demand: bool = False
    ) -> None:
        """Stop a torrent and forget it.

        `delete_data` also deletes what was fetched, never what was shared. Raises TransferNotFoundError, and
        with `only_on_demand` EngineError if somebody has made a download of it, or reads or has read of it.
        """
        async with self._changing:
            torrent = self.torrent(info_hash)
            if only_on_demand and not torrent.swarm.on_demand:
                raise EngineError(f"{torrent.name} is no longer on demand: it stays")
            if only_on_demand and torrent.data.is_read:
                raise EngineError(f"{torrent.name} is being read: it stays")
            await self._remove(torrent, delete_data=delete_data)

    async def _remove(self, torrent: Torrent, *, delete_data: bool) -> None:
        await self._running.end(torrent)
        self._services.keep(torrent.info_hash, soon=True)
        try:
            if delete_data and torrent.data.disk.store is not None:
                await self._services.offload(torrent.data.disk.store.delete_data)
        finally:
            await leftovers.clear(self._services, torrent)

    async def pause(self, info_hash: InfoHash) -> None:
        """Stop all traffic of a torrent; returns when it has stopped.

        Raises TransferNotFoundError, and EngineError for one that has failed.
        """
        async with self._changing:
            torrent = self.torrent(info_hash)
            torrent.pause()
        await torrent.paused()

    async def resume(self, info_hash: InfoHash) -> None:
        """Let a paused torrent go on; others go on anyway.

        Raises TransferNotFoundError, and EngineError for one that has failed.
        """
        async with self._changing:
            self.torrent(info_hash).resume()

    def set_limits(self, info_hash: InfoHash | None, down: int | None, up: int | None) -> None:
        """Limit one torrent, or with None all together, to so many bytes a second; None: no limit.

        Raises EngineError, and TransferNotFoundError.
        """
        if any(rate is not None and rate <= 0 for rate in (down, up)):
            raise EngineError("a limit is at least 1 byte a second; pause a transfer to stop it")
        if info_hash is not None:
            self.torrent(info_hash).peering.limits.set(down, up)
            self._services.keep(info_hash, soon=True)
            return
        self._services.down.set_rate(down)
        self._services.up.set_rate(up)
        for torrent in self.torrents.values():
            torrent.peering.limits.changed()

    def torrent(self, info_hash: InfoHash) -> Torrent:
        """Raises TransferNotFoundError."""
        return self._running.torrent(info_hash)

    def task(self, torrent: Torrent) -> asyncio.Task[None]:
        """The torrent's life, to wait for its end."""
        return self._running.task(torrent)

    async def _restore(self) -> None:
        """Take up the torrents of earlier sessions, those that had failed too: they may go on by now."""
        torrents = await self._memory.open()
        if torrents:
            try:
                await self.listen()
            except NetError as error:
                log.warning("%s", error)
        left: list[InfoHash] = []
        for info_hash, kept in torrents.items():
            try:
                torrent = kept_torrent(info_hash, kept, self._services)
                torrent.peering.add_peers(torrent.link.peers)
                await self._running.begin(torrent)
            except WebTorrentError as error:
                log.warning("%s is forgotten: %s", info_hash, error)
                self._services.keep(info_hash)
            except Exception:
                log.exception("%s waits for the next session", info_hash)
                left.append(info_hash)
        if not left:  # what they have in own folders looks abandoned
            await self._memory.sweep()

    # What is told of them

    @property
    def listening(self) -> PeerAddress | None:
        return self._services.listening

    def magnet(self, torrent: Torrent) -> MagnetLink:
        return status.magnet(torrent, self._services)

    def transfer(self, torrent: Torrent) -> TransferStatus:
        return status.transfer_status(torrent, self._services)

    def transfers(self) -> list[TransferStatus]:
        return [self.transfer(torrent) for torrent in self.torrents.values()]

    def details(self, torrent: Torrent) -> TransferDetails:
        return status.transfer_details(torrent, self.transfer(torrent))

    def status(self) -> SessionStatus:
        return status.session_status(self.torrents.values(), self._services)

    async def port_mapping_known(self) -> None:
        """Wait until the gateway has answered, or does not, where it was asked for a port."""
        if self._services.port_mapping is not None:
            await self._services.port_mapping.known()

    # Being reached

    def _open_to_strangers(self) -> list[InfoHash]:
        """The torrents that strangers may come for."""
        return [key for key, torrent in self.torrents.items() if torrent.is_running]

    async def listen(self) -> None:
        """Take peers from now on, if TCP is used; raises NetError."""
        async with self._listening:
            if self._listener.is_to_open:
                address = await self._listener.open()
                await reachability.begin(
                    self._services, address, self._datagrams, self._found_nearby
                )
                # Those of earlier sessions may have come back while the port was taken.
                for torrent in self.torrents.values():
                    torrent.peering.session_listens()

    async def require_free(self, address: PeerAddress) -> None:
        """Raise NetError for an address that nothing could listen on, unless this session does."""
        await self._listener.require_free(address)

    def _found_nearby(self, info_hash: InfoHash, address: PeerAddress) -> None:
        torrent = self.torrents.get(info_hash)
        if torrent is not None and torrent.is_running:
            torrent.peering.peers_found((address,), "the local network")
