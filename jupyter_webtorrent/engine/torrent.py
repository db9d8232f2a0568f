"""One torrent of a session: its life from link to seed, with its pauses.

Its peers are `peering`'s business, its pieces and files `data`'s, whom to ask for what its swarm's, what a person
chooses anew of it `choice`'s.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from pathlib import Path

from jupyter_webtorrent.engine.arrival import Arrival
from jupyter_webtorrent.engine.data import TorrentData
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.goals import SeedingGoal
from jupyter_webtorrent.engine.links import Source, source_of
from jupyter_webtorrent.engine.metadata import TorrentMetadata
from jupyter_webtorrent.engine.offload import to_the_end
from jupyter_webtorrent.engine.pause import PauseSwitch
from jupyter_webtorrent.engine.peering import Peering
from jupyter_webtorrent.engine.selection import FileSelection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.tiers import Tiers
from jupyter_webtorrent.engine.work import Work
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.schema.transfers import TransferState
from jupyter_webtorrent.storage.create import CreatedTorrent
from jupyter_webtorrent.storage.errors import DiskTroubleError
from jupyter_webtorrent.storage.journal import Kept
from jupyter_webtorrent.swarm.commands import Complete, StorePiece, UseMetadata
from jupyter_webtorrent.swarm.holdings import BOTH_COMPLETE
from jupyter_webtorrent.swarm.swarm import Swarm
from jupyter_webtorrent.version import CLIENT

log = logging.getLogger(__name__)


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
        self.state = TransferState.METADATA if source.info is None else TransferState.CHECKING
        self.error = ""
        self.arrival = Arrival()
        self.added_at = kept.torrent.added_at if kept is not None else time.time()
        """Seconds since 1970."""
        self._services = services
        self.shared = shared
        """None: it is fetched."""
        self.shared_paths = shared_paths
        self.copied = services.own_folders.copies_among(shared.files if shared is not None else ())
        """Which of the files, by index, are shared from copies."""
        self._loop = asyncio.get_running_loop()
        self.started_at = self._loop.time()
        self.metadata = TorrentMetadata(source, services)
        self.choosing = asyncio.Lock()
        """Held while what is wanted changes, and while it is put in its place."""
        self._running_commands = False
        self._work = Work()
        self._preparing: asyncio.Task[None] | None = None
        """What is done although it rests since an earlier session."""
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
        self.swarm.on_demand = selection is not None and selection.on_demand
        self.data = TorrentData(
            self.swarm,
            services,
            self._work,
            folder=folder,
            selection=selection or FileSelection(),
            kept=kept,
            was="fetched" if shared is None else "shared",
            run_commands=self.run_commands,
            wanted_again=self._wanted_again,
            is_paused=lambda: self.switch.is_paused,
        )
        self.peering = Peering(
            self.swarm,
            self.data,
            tiers,
            services,
            self._work,
            self.run_commands,
            private=source.info is not None and source.info.private,
        )
        self.peering.web_seeds.add(web_seeds, Policy.NAMED)
        self.peering.web_seeds.add(source.link.web_seeds, Policy.PUBLIC)

    # Its life

    async def run(self) -> None:
        """Fetch if there is anything to fetch, then seed until cancelled; raises nothing else."""
        try:
            if self.switch.is_paused:  # since an earlier session
                await self._prepare_to_rest()
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

    async def _run_until_paused(self) -> None:
        """Live; then let go of every peer, but not of the files."""
        async with asyncio.TaskGroup() as tasks:
            self._work.begin(tasks)
            self._work.spawn_chore(self._live())
            try:
                await self.switch.until_paused()
            finally:
                self._work.close()
                self.data.disk.give_up()
            self._work.cancel_chores()
            await self.peering.hang_up()
        await self._let_go_unopened()

    async def _live(self) -> None:
        self.state = self._next_state()
        self.data.disk.go_on()
        if self.swarm.info is None:
            await self._prepare()
        self.data.guard.go_on()
        self._work.spawn_chore(self.peering.tick_often())
        self._work.spawn_chore(self.peering.connections.dial_often())
        self._work.spawn_chore(self.peering.web_seeds.run())
        self._work.spawn_chore(self._pause_at_goal())
        if not self.metadata.is_settled:
            asking = self._work.spawn_chore(self._ask_exact_sources())
            assert asking is not None
            self.metadata.when_settled(asking.cancel)
        self.peering.start()
        if self.swarm.info is None:
            await self._open(await self.metadata.wait())
        if self.swarm.is_complete and self.arrival.at is None:
            self.arrival.mark_due()  # a pause came between
        while True:
            await self._transfer()

    async def _ask_exact_sources(self) -> None:
        self.learn(source_of(await self.metadata.exact_sources.find()))

    async def _pause_at_goal(self) -> None:
        self.switch.pause(await self.goal.reached(self))
        self.keep()

    def _next_state(self) -> TransferState:
        """With what it begins, or goes on after a pause."""
        if self.info is None:
            return TransferState.METADATA
        if self.swarm.info is None:
            return TransferState.CHECKING
        if self.swarm.on_demand:
            return TransferState.ON_DEMAND
        done = self.arrival.at is not None
        return TransferState.SEEDING if done else TransferState.DOWNLOADING

    async def _prepare(self) -> None:
        """Open the storage before any peer connects, if the metadata is known."""
        if self.shared is not None:
            self._start(self.shared.info, await self.data.disk.open_shared(self.shared))
        elif self.metadata.is_settled:
            await self._open(await self.metadata.wait())

    async def _prepare_to_rest(self) -> None:
        """Open the storage although nothing is to go on, unless even that is to stop."""
        async with asyncio.TaskGroup() as tasks:
            self._preparing = tasks.create_task(self._prepare())
        await self._let_go_unopened()

    async def _let_go_unopened(self) -> None:
        if self.swarm.info is None:
            await self.data.disk.aclose()  # perhaps it was just being opened

    async def _transfer(self) -> None:
        """Wait until all that is wanted is here, and put it in its place."""
        await self.arrival.until_due()
        try:
            async with self.choosing:
                # Unless more is wanted by now, or it is only read.
                if self.swarm.is_complete and not self.swarm.on_demand:
                    await self._finish()
        except DiskTroubleError as error:
            # Perhaps for ever: other files may be chosen meanwhile.
            await self.data.wait_to_deliver(await self.metadata.wait(), error)
            self.arrival.mark_due()

    async def _finish(self) -> None:
        paths = self.shared_paths
        if self.shared is None:
            delivered = await self.data.deliver(await self.metadata.wait())
            if delivered is None:
                return
            paths = delivered
            if not self.data.was_finished and self.arrival.at is None:
                self.peering.discovery.completed()
        self.state = TransferState.SEEDING
        self.arrival.came(paths)
        self.keep(soon=True)

    async def _open(self, info: Info) -> None:
        """Choose the files, look at what is on disk, and begin to transfer."""
        self.peering.heed_privacy(info)
        self.state = TransferState.CHECKING
        self.keep(soon=True)
        have = await self.data.disk.open(info)
        self._start(info, have)
        self.state = self._next_state()

    def _start(self, info: Info, have: Bitfield) -> None:
        self.peering.metadata_known(info)
        wanted = self.data.disk.wanted_pieces(info)
        self.swarm.start(info, have, wanted, self._loop.time())
        if self.data.disk.priorities:  # since an earlier session
            self.swarm.select(*self.data.disk.pieces_by_priority(info), self._loop.time())
        if self.shared is not None or self.data.was_finished:
            self.data.guard.give_up_changed(wanted)
        self.peering.web_seeds.start()
        self.keep(soon=True)
        self.run_commands()
        self.data.streams.changed()

    def _fail(self, reason: str) -> None:
        self.state = TransferState.FAILED
        self.error = reason
        self.data.streams.end(reason)
        self.arrival.fails(reason)

    async def _release(self) -> None:
        """Let go of everything; also what a failure left half-way."""
        await self.peering.hang_up()
        await self.data.disk.aclose()

    def ended(self) -> None:
        """`run` is over, or was cancelled before it began: nobody waits in vain."""
        self.switch.rests()
        self.data.streams.end("the transfer was stopped")
        self.arrival.fails("the transfer was stopped")

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
                        case StorePiece(index=index, data=data):
                            self.data.store(index, data)
                        case UseMetadata(info=info):
                            self.metadata.came_from_peers(info)
                        case Complete():
                            self.arrival.mark_due()
                        case _:
                            self.peering.carry_out(command)
        finally:
            self._running_commands = False

    # What a person asks

    def pause(self) -> None:
        """Begin to stop all traffic. Raises EngineError if it has failed."""
        self._require_alive()
        self.switch.pause()
        self.data.streams.changed()
        if self._preparing is not None:
            self._preparing.cancel()
        self.keep(soon=True)

    async def paused(self) -> None:
        """Wait until every connection is closed, or until it is to go on."""
        await self.switch.until_resting()

    def resume(self) -> None:
        """Go on at once with what is on disk; does nothing if it was not paused.

        Raises EngineError if it has failed.
        """
        self._require_alive()
        if self.switch.is_paused:
            self.peering.connections.book.start_over()
            self.state = self._next_state()
            self.switch.resume()
            self.keep(soon=True)

    def learn(self, source: Source, tiers: Tiers = (), web_seeds: Iterable[str] = ()) -> None:
        """Another link names the same torrent: use what it says, and the web seeds that a person names."""
        self.link = self.link.extended_by(source.link)
        self.peering.add_trackers(tiers)
        self.peering.web_seeds.add(web_seeds, Policy.NAMED)
        self.peering.web_seeds.add(source.link.web_seeds, Policy.PUBLIC)
        self.metadata.learn(source)
        self.keep(soon=True)

    # What is told of it

    @property
    def info(self) -> Info | None:
        return self.metadata.info

    @property
    def name(self) -> str:
        info = self.info
        return info.name if info is not None else self.link.name or str(self.info_hash)

    @property
    def is_running(self) -> bool:
        """Whether it takes peers."""
        return self._work.is_open

    @property
    def has_everything(self) -> bool:
        """Whether it seeds all of its files, not a selection."""
        downloader = self.swarm.downloader
        complete = downloader is not None and downloader.have.all() and not self.swarm.on_demand
        return complete and self.state in (TransferState.SEEDING, TransferState.PAUSED)

    @property
    def is_finished(self) -> bool:
        """Whether every wanted byte is, or once was, in place."""
        return self.data.was_finished or self.arrival.at is not None

    # What its seeding goal asks (`SeededTorrent`)

    @property
    def is_seeding(self) -> bool:
        return self.state is TransferState.SEEDING

    @property
    def wanted_bytes(self) -> int:
        info = self.info
        files = () if info is None else info.files
        return sum(files[index].length for index in self.data.disk.wanted_files)

    @property
    def uploaded(self) -> int:
        return self.data.uploaded

    # Shared by these

    def _require_alive(self) -> None:
        if self.state is TransferState.FAILED:
            raise EngineError(f"{self.name} has failed: fetch or share it again")

    def _wanted_again(self) -> None:
        """Something is to be fetched that was had, or was not wanted: even from those that had no use for us."""
        self.peering.connections.forgive(BOTH_COMPLETE)
        if not self.swarm.peers:
            self.peering.connections.dial_again()
        self.peering.web_seeds.wake()

    def keep(self, *, soon: bool = False) -> None:
        """Something changed that a later session has to know."""
        self._services.keep(self.info_hash, soon=soon)
