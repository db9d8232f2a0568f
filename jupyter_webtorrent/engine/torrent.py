"""One torrent of a session: its life from link to seed, and the tasks that carry out its swarm's commands."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from jupyter_webtorrent.engine.announcer import TrackerAnnouncer
from jupyter_webtorrent.engine.block_reader import BlockReader
from jupyter_webtorrent.engine.connections import Connections
from jupyter_webtorrent.engine.errors import EngineError, FetchFailedError
from jupyter_webtorrent.engine.links import Source
from jupyter_webtorrent.engine.negotiation import Negotiator
from jupyter_webtorrent.engine.offload import run_to_end, to_the_end
from jupyter_webtorrent.engine.peer_connection import PeerConnection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.net.transport import Transport
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import PeerAddress, PeerId
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.schema.transfers import TransferState
from jupyter_webtorrent.storage.create import CreatedTorrent
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.store import PieceStore
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
from jupyter_webtorrent.version import CLIENT

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0


class Torrent:
    """A torrent that is fetched and passed on, or shared. `run` is its whole life."""

    def __init__(
        self,
        source: Source,
        services: Services,
        *,
        folder: Path,
        trackers: tuple[str, ...],
        select: tuple[str, ...] = (),
        shared: CreatedTorrent | None = None,
        shared_paths: tuple[Path, ...] = (),
    ) -> None:
        self.link = source.link
        self.info_hash = source.link.info_hash
        self.folder = folder
        self.trackers = trackers
        self.state = TransferState.METADATA if source.info is None else TransferState.CHECKING
        self.error = ""
        self.notice = ""
        self.paths: tuple[Path, ...] = ()
        """Where the finished top-level files and folders are, or the shared ones."""
        self.store: PieceStore | None = None
        self.reader: BlockReader | None = None
        self.wanted_files: tuple[int, ...] = ()
        self.checked_bytes = 0
        """While CHECKING: how much of what is on disk was hashed."""
        self.select = select
        """Globs over the files' paths; empty: everything."""
        self._services = services
        self._shared = shared
        self._shared_paths = shared_paths
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
        self._stop = threading.Event()
        self._running_commands = False
        self._tasks: asyncio.TaskGroup | None = None
        self.swarm = Swarm(
            self.info_hash,
            services.random,
            self._loop.time(),
            client=CLIENT,
            upload_slots=services.config.upload_slots,
        )
        if services.listening is not None:
            self.swarm.listen_port = services.listening.port
        self.connections = Connections(self, services)
        self.negotiator = Negotiator(services, self._channel_opened)
        self.announcers: list[TrackerAnnouncer] = []
        self.unusable_trackers: dict[str, str] = {}
        """Why we cannot announce to some, by URL."""
        for url in trackers:
            try:
                self.announcers.append(TrackerAnnouncer(url, self, self.negotiator, services))
            except WebTorrentError as error:
                self.unusable_trackers[url] = str(error)

    @property
    def info(self) -> Info | None:
        known = self._info
        return known.result() if known.done() and known.exception() is None else None

    @property
    def name(self) -> str:
        info = self.info
        return info.name if info is not None else self.link.name or str(self.info_hash)

    async def run(self) -> None:
        """Fetch if there is anything to fetch, then seed until cancelled; raises nothing else."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                try:
                    await self._live(tasks)
                finally:
                    self._tasks = None  # a group that ends takes no more tasks
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
        return complete and self.state is TransferState.SEEDING

    async def wait(self) -> tuple[Path, ...]:
        """The finished top-level paths; raises FetchFailedError if it cannot go on."""
        return await asyncio.shield(self.done)

    @property
    def is_running(self) -> bool:
        """Whether it takes peers."""
        return self._tasks is not None

    # Its life

    async def _live(self, tasks: asyncio.TaskGroup) -> None:
        await self._prepare()
        tasks.create_task(self._tick_often())
        tasks.create_task(self.connections.dial_often())
        for announcer in self.announcers:
            announcer.start()
        await self._transfer()
        await asyncio.Event().wait()

    async def _prepare(self) -> None:
        """Open the storage before any peer connects, if the metadata is known."""
        if self._shared is not None:
            store = await self._services.offload(
                PieceStore.open_seed, self._shared.info, self._shared.files
            )
            have = Bitfield.full(self._shared.info.piece_count)
            self.wanted_files = tuple(range(len(self._shared.info.files)))
            self._start(self._shared.info, store, have, range(len(have)))
        elif self._info.done():
            await self._open(self._info.result())

    async def _transfer(self) -> None:
        if self.store is None:
            await self._open(await self._info)
        assert self.store is not None
        await self._complete.wait()
        if self._shared is not None:
            self.paths = self._shared_paths
        else:
            self.paths = tuple(await self._services.offload(self.store.finish))
            self.notice = self.store.notice
            for announcer in self.announcers:
                announcer.completed()
        self.state = TransferState.SEEDING
        self.finished_at = self._loop.time()
        if not self.done.done():
            self.done.set_result(self.paths)

    async def _open(self, info: Info) -> None:
        """Choose the files, look at what is on disk, and begin to transfer."""
        self.state = TransferState.CHECKING
        wanted_files = self._choose_files(info)
        offload = self._services.offload
        store, have = await run_to_end(
            offload, self._stop, self._open_and_check, info, wanted_files
        )
        self.notice = store.notice
        wanted = {piece for index in wanted_files for piece in info.layout.pieces_of_file(index)}
        self.wanted_files = wanted_files
        self.state = TransferState.DOWNLOADING
        self._start(info, store, have, sorted(wanted))

    def _open_and_check(
        self, info: Info, wanted_files: tuple[int, ...]
    ) -> tuple[PieceStore, Bitfield]:
        """Blocking: choose the place, and hash what is there already."""

        def progress(done: int, total: int) -> None:
            self.checked_bytes = done

        stopped = self._stop.is_set
        self.store = PieceStore.open_download(
            info, self.folder, wanted_files, progress=progress, cancelled=stopped
        )
        return self.store, self.store.recheck(progress, stopped)

    def _start(
        self, info: Info, store: PieceStore, have: Bitfield, wanted: Collection[int]
    ) -> None:
        services = self._services
        self.store = store
        self.reader = BlockReader(store, info.layout, have, services.cache, services.offload)
        self.connections.metadata_known(info.piece_count)
        self.swarm.start(info, have, wanted, self._loop.time())
        self.run_commands()

    def _choose_files(self, info: Info) -> tuple[int, ...]:
        """The files that the globs, or a magnet's `so` (BEP 53), name; all of them without either."""
        chosen = tuple(index for index in range(len(info.files)) if self._is_wanted(info, index))
        if not chosen:
            asked = f"matches {' '.join(self.select)}" if self.select else "the link asks for"
            raise EngineError(f"no file of {info.name} {asked}")
        return chosen

    def _is_wanted(self, info: Info, index: int) -> bool:
        file = info.files[index]
        if file.padding:
            return False
        if self.select:
            return any(_matches(file.path, glob) for glob in self.select)
        return not self.link.select or any(index in run for run in self.link.select)

    def _fail(self, reason: str) -> None:
        self.state = TransferState.FAILED
        self.error = reason
        if not self.done.done():
            self.done.set_exception(FetchFailedError(reason))

    async def _release(self) -> None:
        """Let go of everything; also what a failure left half-way."""
        for announcer in self.announcers:
            await announcer.aclose()
        await self.negotiator.aclose()
        await self.connections.aclose()
        if self.reader is not None:
            await self.reader.aclose()
        if self.store is not None:
            await self._services.offload(self.store.close)

    def ended(self) -> None:
        """`run` is over, or was cancelled before it began: nobody waits in vain."""
        if not self.done.done():
            self.done.set_exception(FetchFailedError("the transfer was stopped"))

    async def _tick_often(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.swarm.tick(self._loop.time())
            self.run_commands()

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
                        case Disconnect() as disconnect:
                            self.connections.disconnect(disconnect)
                        case UseMetadata(info=info):
                            self._use_metadata(info)
                        case Complete():
                            self._complete.set()
        finally:
            self._running_commands = False

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

    async def _store_piece(self, index: int, data: bytearray) -> None:
        assert self.store is not None
        try:
            ok = await self._services.offload(self.store.write_piece, index, data)
        except StorageError:
            self.swarm.piece_not_stored(index)
            self._tasks = None
            raise
        self.swarm.piece_stored(index, self._loop.time(), ok=ok)
        self.run_commands()

    # Its connections

    def shook_hands(self, connection: PeerConnection, handshake: Handshake) -> Peer:
        self.connections.admit(connection, handshake)
        connection.answer_handshake(self.handshake)
        peer = self.swarm.peer_joined(handshake, self._loop.time())
        self.connections.joined(connection, peer)
        return peer

    def connection_ended(self, connection: PeerConnection, reason: str) -> None:
        peer = connection.peer
        self.connections.ended(connection, reason)
        if peer is not None:
            self.swarm.peer_left(peer, self._loop.time())
            self.run_commands()

    def seed_failed(self, error: WebTorrentError) -> None:
        tasks, self._tasks = self._tasks, None
        if tasks is not None:
            tasks.create_task(_raise(error))

    def _channel_opened(self, transport: Transport, outgoing: bool, offer_id: bytes) -> None:
        if self.is_running and self.connections.room > 0:
            self.connections.add(transport, outgoing=outgoing, negotiation=offer_id)
        else:
            transport.close("no room for one more peer")

    @property
    def handshake(self) -> Handshake:
        return Handshake(self.info_hash, self._services.peer_id)

    def covers(self, select: tuple[str, ...], link_select: tuple[range, ...]) -> bool:
        """Whether a request for these files (globs, or a magnet's `so`) brings nothing new."""
        if self._shared is not None or not (self.select or self.link.select):
            return True
        if select:
            return set(select) <= set(self.select)
        return not self.select and link_select == self.link.select

    def add_peers(self, addresses: Iterable[PeerAddress]) -> None:
        for address in addresses:
            if address not in (self._services.listening, self._services.reachable):
                self.connections.book.add(address)

    # What its announcers ask (`AnnouncedTorrent`)

    @property
    def bytes_left(self) -> int | None:
        info, downloader = self.info, self.swarm.downloader
        if info is None or downloader is None:
            return None
        return info.layout.bytes_of_pieces(downloader.missing)

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


def _matches(path: tuple[str, ...], glob: str) -> bool:
    """Whether a glob names a file by its path, or by its name alone."""
    return fnmatchcase("/".join(path), glob) or fnmatchcase(path[-1], glob)


async def _raise(error: Exception) -> None:
    raise error
