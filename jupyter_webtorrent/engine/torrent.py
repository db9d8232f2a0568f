"""One torrent of a session: its life from link to seed, and the tasks that carry out its swarm's commands."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_webtorrent.engine.block_reader import BlockReader
from jupyter_webtorrent.engine.connections import Connections
from jupyter_webtorrent.engine.discovery import PeerDiscovery
from jupyter_webtorrent.engine.disk import TorrentDisk
from jupyter_webtorrent.engine.errors import EngineError, FetchFailedError
from jupyter_webtorrent.engine.exact_sources import ExactSources
from jupyter_webtorrent.engine.failures import FailureLog
from jupyter_webtorrent.engine.file_guard import FileGuard
from jupyter_webtorrent.engine.goals import SeedingGoal
from jupyter_webtorrent.engine.links import Source
from jupyter_webtorrent.engine.negotiation import Negotiator
from jupyter_webtorrent.engine.offload import to_the_end
from jupyter_webtorrent.engine.pause import PauseSwitch
from jupyter_webtorrent.engine.peer_connection import PeerConnection
from jupyter_webtorrent.engine.selection import FileSelection
from jupyter_webtorrent.engine.services import Services, unique
from jupyter_webtorrent.engine.stream import Streams
from jupyter_webtorrent.engine.throttle import TorrentLimits, UploadTurns
from jupyter_webtorrent.engine.tiers import Tiers
from jupyter_webtorrent.engine.web_seed import WebSeeds
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.transport import Transport
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import PeerAddress, PeerId
from jupyter_webtorrent.protocol.messages import Port, Request
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.protocol.reach import Reach, reach_of
from jupyter_webtorrent.schema.transfers import FilePriority, TransferState
from jupyter_webtorrent.storage.create import CreatedTorrent
from jupyter_webtorrent.storage.errors import DiskTroubleError, FileChangedError, StorageError
from jupyter_webtorrent.storage.journal import Kept
from jupyter_webtorrent.swarm.commands import (
    Ban,
    Complete,
    DhtNodeFound,
    Disconnect,
    PeersFound,
    Send,
    ServeUploads,
    StorePiece,
    UseMetadata,
)
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.swarm import BOTH_COMPLETE, Swarm
from jupyter_webtorrent.version import CLIENT

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
IDLE_TICK_SECONDS = 10.0
"""While nobody is connected: a session may have a thousand such torrents."""


class Torrent:
    """A torrent that is fetched and passed on, or shared. `run` is its whole life."""

    def __init__(
        self,
        source: Source,
        services: Services,
        *,
        folder: Path,
        tiers: Tiers,
        selection: FileSelection | None = None,
        web_seeds: Iterable[str] = (),
        sequential: bool = False,
        shared: CreatedTorrent | None = None,
        shared_paths: tuple[Path, ...] = (),
        goal: SeedingGoal | None = None,
        kept: Kept | None = None,
    ) -> None:
        """`web_seeds` are those that a person named, besides the link's own; `kept` is what an earlier session
        left."""
        self.link = source.link
        self.info_hash = source.link.info_hash
        self.tiers = tiers
        self.state = TransferState.METADATA if source.info is None else TransferState.CHECKING
        self.error = ""
        self.paths: tuple[Path, ...] = ()
        """Where the finished top-level files and folders are, or the shared ones."""
        self.disk = TorrentDisk(
            services,
            folder,
            selection or FileSelection(),
            kept=kept,
            troubled=self._disk_troubled,
            lost=self._pieces_lost,
        )
        self.guard = FileGuard(self, "fetched" if shared is None else "shared")
        self._earlier = kept.progress if kept is not None else None
        self.added_at = kept.torrent.added_at if kept is not None else time.time()
        """Seconds since 1970."""
        self._services = services
        self.shared = shared
        """None: it is fetched."""
        self.shared_paths = shared_paths
        self._loop = asyncio.get_running_loop()
        self.started_at = self._loop.time()
        self.finished_at: float | None = None
        self.done: asyncio.Future[tuple[Path, ...]] = self._loop.create_future()
        """The finished paths, or FetchFailedError; nobody need wait for it."""
        self.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._info: asyncio.Future[Info] = self._loop.create_future()
        if source.info is not None:
            self._info.set_result(source.info)
        self._complete = asyncio.Event()
        self._choosing = asyncio.Lock()
        """Held while what is wanted changes, and while it is put in its place."""
        self._peer_joined = asyncio.Event()
        self._running_commands = False
        self._tasks: asyncio.TaskGroup | None = None
        self._chores: list[asyncio.Task[None]] = []
        """What a pause ends; pieces on their way to the disk still arrive there."""
        self.switch = PauseSwitch()
        if kept is not None and kept.torrent.paused:
            self.switch.pause(kept.torrent.pause_reason)
        self.goal = goal or SeedingGoal()
        self.swarm = Swarm(
            self.info_hash,
            services.random,
            self._loop.time(),
            client=CLIENT,
            upload_slots=services.config.upload_slots,
            pex=services.config.pex,
        )
        self.swarm.sequential = sequential
        self.streams = Streams(self.swarm, self.disk, services.offload, self.run_commands)
        if services.listening is not None:
            self.swarm.extensions.listen_port = services.listening.port
        self.failures = FailureLog()
        """Why connections came to nothing."""
        self.connections = Connections(self, services, self.failures)
        self.negotiator = Negotiator(services, self._channel_opened, self.failures)
        self.discovery = self._new_discovery()
        self._is_found = False
        """Whether `discovery` has begun, and has not ended."""
        self.limits = TorrentLimits(services.down, services.up, self.swarm, self.run_commands)
        self.web_seeds = WebSeeds(self, services)
        self.web_seeds.add(web_seeds, Policy.NAMED)
        self.web_seeds.add(source.link.web_seeds, Policy.PUBLIC)
        self.exact_sources = ExactSources(source.link.exact_sources, self.info_hash, services)

    def _new_discovery(self) -> PeerDiscovery:
        discovery = PeerDiscovery(self, self.tiers, self.negotiator, self._services)
        if self.info is not None and self.info.private:
            discovery.private()
        return discovery

    @property
    def info(self) -> Info | None:
        known = self._info
        if not known.done() or known.cancelled() or known.exception() is not None:
            return None
        return known.result()

    @property
    def trackers(self) -> tuple[str, ...]:
        """Of all tiers."""
        return unique(*self.tiers)

    @property
    def named_trackers(self) -> tuple[str, ...]:
        """Those that a person named."""
        return tuple(filter(self._services.tcp_trackers.is_named, self.trackers))

    @property
    def reader(self) -> BlockReader | None:
        """Where its blocks are read, once they are on disk."""
        return self.disk.reader

    @property
    def name(self) -> str:
        info = self.info
        return info.name if info is not None else self.link.name or str(self.info_hash)

    async def run(self) -> None:
        """Fetch if there is anything to fetch, then seed until cancelled; raises nothing else."""
        try:
            if self.switch.is_paused:  # since an earlier session
                await self._prepare()
            while True:
                if self.switch.is_paused:
                    self.state = TransferState.PAUSED
                    await self.switch.rest()
                await self._run_until_paused()
        except* WebTorrentError as group:
            self._fail(str(group.exceptions[0]))
        except* Exception:
            log.exception("torrent %s stopped by a bug", self.info_hash)
            self._fail("an internal error; the log has the details")
        finally:
            await to_the_end(self._release())

    @property
    def has_everything(self) -> bool:
        """Whether it seeds all of its files, not a selection."""
        downloader = self.swarm.downloader
        complete = downloader is not None and downloader.have.all()
        return complete and self.state in (TransferState.SEEDING, TransferState.PAUSED)

    async def wait(self) -> tuple[Path, ...]:
        """The finished top-level paths; raises FetchFailedError if it cannot go on."""
        return await asyncio.shield(self.done)

    @property
    def is_running(self) -> bool:
        """Whether it takes peers."""
        return self._tasks is not None

    # Its life

    async def _run_until_paused(self) -> None:
        """Live; then let go of every peer, but not of the files."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._chores = [tasks.create_task(self._live(tasks))]
            try:
                await self.switch.until_paused()
            finally:
                self._tasks = None  # a group that ends takes no more tasks
                self.disk.give_up()
            for chore in list(self._chores):
                chore.cancel()
            await self._hang_up()
        if self.swarm.info is None:
            await self.disk.aclose()  # perhaps it was just being opened

    async def _live(self, tasks: asyncio.TaskGroup) -> None:
        self.state = self._next_state()
        self.disk.go_on()
        if self.swarm.info is None:
            await self._prepare()
        self.guard.go_on()
        chores = [
            self._tick_often(),
            self.connections.dial_often(),
            self.web_seeds.run(),
            self._pause_at_goal(),
        ]
        self._chores += map(tasks.create_task, chores)
        if not self._info.done():
            asking = tasks.create_task(self._ask_exact_sources())
            self._info.add_done_callback(lambda _: asking.cancel())
            self._chores.append(asking)
        self._is_found = True
        self.discovery.start(self.connections.book.addresses())
        if self.swarm.info is None:
            await self._open(await asyncio.shield(self._info))
        if self.swarm.is_complete and self.finished_at is None:
            self._complete.set()  # a pause came between
        while True:
            await self._transfer()

    def _next_state(self) -> TransferState:
        """With what it begins, or goes on after a pause."""
        if self.info is None:
            return TransferState.METADATA
        if self.swarm.info is None:
            return TransferState.CHECKING
        done = self.finished_at is not None
        return TransferState.SEEDING if done else TransferState.DOWNLOADING

    async def pause(self) -> None:
        """Stop all traffic; returns when every connection is closed. Raises EngineError if it has failed."""
        if self.state is TransferState.FAILED:
            raise EngineError(f"{self.name} has failed: fetch or share it again")
        self.switch.pause()
        self._keep()
        await self.switch.until_resting()

    def resume(self) -> None:
        """Go on at once with what is on disk; does nothing if it was not paused."""
        if self.switch.is_paused:
            self.connections.book.start_over()
            self.state = self._next_state()
            self.switch.resume()
            self._keep()

    async def _prepare(self) -> None:
        """Open the storage before any peer connects, if the metadata is known."""
        if self.shared is not None:
            self._start(self.shared.info, await self.disk.open_shared(self.shared))
        elif self._info.done():
            await self._open(self._info.result())

    async def _transfer(self) -> None:
        """Wait until all that is wanted is here, and put it in its place."""
        await self._complete.wait()
        self._complete.clear()
        async with self._choosing:
            if self.swarm.is_complete:  # unless more is wanted by now
                await self._finish()

    async def _finish(self) -> None:
        if self.shared is not None:
            self.paths = self.shared_paths
        else:
            paths = await self._deliver()
            if paths is None:
                return
            self.paths = paths
            if not self._was_finished:
                self.discovery.completed()
        self.state = TransferState.SEEDING
        self.finished_at = self._loop.time()
        self._keep(soon=True)
        if not self.done.done():
            self.done.set_result(self.paths)

    async def _deliver(self) -> tuple[Path, ...] | None:
        """Move the files into place once the disk allows it; None if pieces turned out to be wrong."""
        info = self._info.result()
        while True:
            if wrong := await self.disk.check_before_finish(info):
                self.guard.lost(wrong)
                return None
            try:
                return await self.disk.finish()
            except DiskTroubleError as error:
                await self.disk.wait_out(error)
                self.disk.doubt(info)

    async def _open(self, info: Info) -> None:
        """Choose the files, look at what is on disk, and begin to transfer."""
        self.state = TransferState.CHECKING
        self._keep(soon=True)
        have = await self.disk.open(info)
        self.state = TransferState.DOWNLOADING
        self._start(info, have)

    def _start(self, info: Info, have: Bitfield) -> None:
        if info.private:
            self.discovery.private()
        self.connections.metadata_known(info.piece_count)
        wanted = self.disk.wanted_pieces(info)
        self.swarm.start(info, have, wanted, self._loop.time())
        if self.shared is not None or self._was_finished:
            self.guard.give_up_changed(wanted)
        self.web_seeds.start()
        self._keep(soon=True)
        self.run_commands()
        self.streams.changed()

    def _fail(self, reason: str) -> None:
        self.state = TransferState.FAILED
        self.error = reason
        self.streams.end(reason)
        if not self.done.done():
            self.done.set_exception(FetchFailedError(reason))

    async def _release(self) -> None:
        """Let go of everything; also what a failure left half-way."""
        await self._hang_up()
        await self.disk.aclose()

    async def _hang_up(self) -> None:
        """Leave the peers, and whoever names them."""
        await self.connections.aclose()
        if self._is_found:
            self._is_found = False
            await self.discovery.aclose()
            self.discovery = self._new_discovery()
        await self.negotiator.aclose()

    def ended(self) -> None:
        """`run` is over, or was cancelled before it began: nobody waits in vain."""
        self.switch.rests()
        self.streams.end("the transfer was stopped")
        if not self.done.done():
            self.done.set_exception(FetchFailedError("the transfer was stopped"))

    async def _tick_often(self) -> None:
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

    async def _pause_at_goal(self) -> None:
        self.switch.pause(await self.goal.reached(self))
        self._keep()

    # What becomes of its data on disk (`GuardedTorrent`)

    @property
    def notice(self) -> str:
        """What a person should know of it, in one line."""
        return self.disk.trouble or self.guard.notice or self.disk.notice

    @property
    def is_finished(self) -> bool:
        """Whether every wanted byte is, or once was, in place."""
        return self._was_finished or self.state is TransferState.SEEDING

    @property
    def downloaded(self) -> int:
        """Block bytes, with those of earlier sessions, as `uploaded`."""
        return self.bytes_down + (self._earlier.downloaded if self._earlier else 0)

    @property
    def uploaded(self) -> int:
        return self.bytes_up + (self._earlier.uploaded if self._earlier else 0)

    def lose(self, pieces: Bitfield, *, refetch: bool) -> None:
        if not pieces.any():
            return
        self.swarm.lose(pieces, self._loop.time(), refetch=refetch)
        if refetch:
            self.connections.forgive(BOTH_COMPLETE)
        self._keep()
        self.run_commands()

    def regain(self, pieces: Bitfield) -> None:
        self.swarm.regain(pieces)
        self._keep()
        self.run_commands()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._tasks is None:
            work.close()
        else:
            chore = self._tasks.create_task(work)
            self._chores.append(chore)
            chore.add_done_callback(self._chores.remove)

    def read_failed(self, peer: Peer, request: Request, error: WebTorrentError) -> None:
        """A block that a peer waits for cannot be read."""
        log.debug("%s: %s", self.info_hash, error)
        self.swarm.reject(peer, request)
        self.guard.read_failed(request.index)
        self.run_commands()

    @property
    def _was_finished(self) -> bool:
        return self._earlier is not None and self._earlier.finished

    def _disk_troubled(self, troubled: bool) -> None:
        self.swarm.hold(troubled, self._loop.time())
        self.run_commands()

    def _pieces_lost(self, pieces: list[int]) -> None:
        self.guard.lost(pieces)

    def _keep(self, *, stored: int = 0, soon: bool = False) -> None:
        if self._services.keeper is not None:
            self._services.keeper.changed(self.info_hash, stored=stored, soon=soon)

    # Commands of the swarm

    def run_commands(self) -> None:
        """Carry out what the swarm asks for, also what that brings about."""
        if self._running_commands:
            return
        self._running_commands = True
        try:
            while commands := self.swarm.take_commands():
                for command in commands:
                    match command:
                        case Send(peer=peer, messages=messages):
                            self.connections.send(peer, messages)
                        case ServeUploads(peer=peer):
                            self.connections.serve_uploads(peer)
                        case StorePiece(index=index, data=data):
                            self._spawn_store(index, data)
                        case Ban(peer=peer):
                            self.connections.ban(peer)
                        case Disconnect() as disconnect:
                            self.connections.disconnect(disconnect)
                        case UseMetadata(info=info):
                            self._use_metadata(info)
                        case PeersFound(addresses=addresses):
                            self.peers_found(addresses, "PEX")
                        case DhtNodeFound(peer=peer, port=port):
                            if (host := self.connections.host_of(peer)) is not None:
                                self.discovery.node_found(PeerAddress(host, port))
                        case Complete():
                            self._complete.set()
        finally:
            self._running_commands = False

    async def _ask_exact_sources(self) -> None:
        found = await self.exact_sources.find()
        if found is not None and not self._info.done():
            self._info.set_result(found.info)
            self.web_seeds.add(found.web_seeds, Policy.PUBLIC)

    def _use_metadata(self, raw: bytes) -> None:
        if self._info.done():
            return
        try:
            self._info.set_result(Info.from_bytes(raw))
        except WebTorrentError as error:
            self._info.set_exception(error)

    def _spawn_store(self, index: int, data: bytearray) -> None:
        if self._tasks is not None:
            self._tasks.create_task(self._store_piece(index, data))
        else:
            self.swarm.piece_not_stored(index)

    async def _store_piece(self, index: int, data: bytearray) -> None:
        try:
            ok = await self.disk.write_piece(index, data)
        except FileChangedError:
            self.swarm.piece_not_stored(index)
            self.guard.lost([index])
            return
        except DiskTroubleError:  # paused meanwhile: it has to come again
            self.swarm.piece_not_stored(index)
            return
        except StorageError:
            self.swarm.piece_not_stored(index)
            self._tasks = None
            raise
        self.swarm.piece_stored(index, self._loop.time(), ok=ok)
        self.streams.changed()
        if ok:
            self._keep(stored=len(data))
        self.run_commands()

    # Its connections

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

    def upload_turns(self, peer: Peer) -> UploadTurns | None:
        near = reach_of(peer.host) in (Reach.MACHINE, Reach.NETWORK)
        exempt = near and not self._services.config.limit_lan
        return self.limits.upload_turns(peer, exempt=exempt)

    def _channel_opened(
        self, transport: Transport, outgoing: bool, offer_id: bytes, direct_host: str | None = None
    ) -> None:
        if self.is_running and self.connections.room > 0:
            self.connections.add(
                transport, outgoing=outgoing, negotiation=offer_id, direct_host=direct_host
            )
        else:
            self.connections.no_room(transport)

    @property
    def handshake(self) -> Handshake:
        supports_dht = self.discovery.dht_port is not None
        return Handshake(self.info_hash, self._services.peer_id, supports_dht=supports_dht)

    async def set_priorities(self, priorities: Mapping[int, FilePriority]) -> bool:
        """Change the priorities of some files; False if this torrent has to be begun anew for that.

        Raises EngineError, and DiskFullError if what is added has no room.
        """
        info, downloader = self.swarm.info, self.swarm.downloader
        if info is None or downloader is None or self.shared is not None:
            raise EngineError(f"the files of {self.name} cannot be chosen now")
        async with self._choosing:
            if not await self.disk.prioritize(info, priorities):
                return False
            wanted, preferred = self.disk.pieces_by_priority(info)
            self.swarm.select(wanted, preferred, self._loop.time())
        if not self.swarm.is_complete and self.state is TransferState.SEEDING:
            self.state = TransferState.DOWNLOADING
            self.finished_at = None
            self.done = self._loop.create_future()
            self.done.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.run_commands()
        self.streams.changed()
        return True

    def covers(self, selection: FileSelection) -> bool:
        """Whether a request for these files brings nothing new."""
        return self.shared is not None or self.disk.selection.covers(selection)

    def peers_found(self, addresses: Iterable[PeerAddress], source: str) -> None:
        """A peer source, by its name for people, heard of these: they are dialled in their time."""
        log.debug("%s: %s named peers", self.info_hash, source)
        self.add_peers(addresses)

    def add_peers(self, addresses: Iterable[PeerAddress]) -> None:
        for address in addresses:
            if address not in (self._services.listening, *self._services.link_addresses()):
                self.connections.know(address)

    # What its announcers and its seeding goal ask (`AnnouncedTorrent`, `SeededTorrent`)

    @property
    def is_seeding(self) -> bool:
        return self.state is TransferState.SEEDING

    @property
    def wanted_bytes(self) -> int:
        info = self.info
        files = () if info is None else info.files
        return sum(files[index].length for index in self.disk.wanted_files)

    @property
    def bytes_left(self) -> int | None:
        info, downloader = self.info, self.swarm.downloader
        if info is None or downloader is None:
            return None
        return info.layout.bytes_of_pieces(downloader.missing | downloader.lost)

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
