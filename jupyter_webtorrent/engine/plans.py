"""From what a person asks to what a torrent is made of: links read, files hashed, settings filled in.

Whether there is such a torrent already, and what becomes of it, is the session's business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from jupyter_webtorrent.engine import choice, links
from jupyter_webtorrent.engine.discovery import is_websocket
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.goals import SeedingGoal
from jupyter_webtorrent.engine.links import Source
from jupyter_webtorrent.engine.offload import run_to_end, to_the_end
from jupyter_webtorrent.engine.selection import FileSelection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.tiers import Tiers, merged, one_each
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.magnet import MagnetLink
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest, TransferState
from jupyter_webtorrent.storage.copies import NotebookCopies
from jupyter_webtorrent.storage.create import CreatedTorrent, create_info


@dataclass(frozen=True, slots=True)
class Plan:
    """A torrent before it is one."""

    source: Source
    folder: Path
    tiers: Tiers
    goal: SeedingGoal
    addresses: tuple[PeerAddress, ...] = ()
    """Where its peers may be."""
    web_seeds: tuple[str, ...] = ()
    """Those that a person named, besides the link's own."""
    selection: FileSelection = field(default_factory=FileSelection)
    sequential: bool = False
    shared: CreatedTorrent | None = None
    shared_paths: tuple[Path, ...] = ()
    copied: tuple[int, ...] = ()
    """Which files are shared from copies."""
    earlier: Torrent | None = None
    """Which it is to take the place of, once that has ended."""

    @property
    def info_hash(self) -> InfoHash:
        return self.source.link.info_hash

    def torrent(self, services: Services) -> Torrent:
        """Made, and not begun."""
        torrent = Torrent(
            self.source,
            services,
            folder=self.folder,
            tiers=self.tiers,
            selection=self.selection,
            web_seeds=self.web_seeds,
            sequential=self.sequential,
            shared=self.shared,
            shared_paths=self.shared_paths,
            goal=self.goal,
        )
        torrent.peering.add_peers(self.addresses)
        if self.earlier is not None:
            choice.succeed(torrent, self.earlier)
        return torrent

    def is_shared_by(self, torrent: Torrent) -> bool:
        """Whether a torrent shares all of it already, and as safely: from copies, if this plan does."""
        assert self.shared is not None
        return torrent.has_everything and (bool(torrent.copied) or not self.copied)

    def is_served_by(self, torrent: Torrent) -> bool:
        """Whether a torrent of the same info hash can go on instead; raises EngineError if it is in the way."""
        is_read, is_to_be_read = torrent.swarm.on_demand, self.selection.on_demand
        if torrent.state is TransferState.FAILED:
            return is_to_be_read and not is_read  # what a person chose is not given up for a reader
        if torrent.data.disk.folder != self.folder and not (is_read or is_to_be_read):
            raise EngineError(
                f"{torrent.name} is here already, in {torrent.data.disk.folder}:"
                " remove it first to fetch it into another folder"
            )
        return True

    def extending(self, torrent: Torrent) -> Plan:
        """To begin a torrent anew that has learned all of this, with these files besides; raises EngineError."""
        again = same_again(torrent)
        link = replace(again.source.link, select=self.source.link.select)
        return replace(
            again,
            source=replace(again.source, link=link),
            folder=self.folder,
            goal=self.goal,
            selection=again.selection.extended_by(self.selection, torrent.info),
            sequential=self.sequential,
        )


def same_again(torrent: Torrent) -> Plan:
    """To begin a torrent anew that is being fetched."""
    peering, disk = torrent.peering, torrent.data.disk
    return Plan(
        Source(torrent.link, torrent.info),
        disk.folder,
        peering.tiers,
        torrent.goal,
        addresses=tuple(peering.connections.book.addresses()),
        web_seeds=tuple(peering.web_seeds.urls(Policy.NAMED)),
        selection=disk.selection,
        sequential=torrent.swarm.sequential,
        earlier=torrent,
    )


class Planner:
    """Makes the plans of one session. What a person can mend is raised as a WebTorrentError."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._hashing: set[threading.Event] = set()
        """What stops the hashing of each share that is being made."""

    def stop(self) -> None:
        """The session closes: nothing more is hashed."""
        for stop in self._hashing:
            stop.set()

    async def share(self, request: ShareRequest) -> Plan:
        """Hash the paths into one torrent."""
        paths = [Path(path) for path in request.paths]
        tiers = self._named_tiers(self._services.config.trackers)
        if request.trackers is not None:
            tiers = self._named_tiers(links.checked_trackers(request.trackers))
        addresses = _addresses(request.peers)
        web_seeds = links.checked_web_seeds(request.web_seeds)
        created = await self._copy_and_create(paths, request)
        info = created.info
        return Plan(
            Source(MagnetLink(info.info_hash, name=info.name, web_seeds=web_seeds), info),
            paths[0].absolute().parent,
            tiers,
            SeedingGoal(request.seed_ratio, request.seed_seconds),
            addresses=addresses,
            shared=created,
            shared_paths=tuple(path.absolute() for path in paths),
            copied=self._services.own_folders.copies_among(created.files),
        )

    async def fetch(self, request: FetchRequest, source: Source) -> Plan:
        """The session's settings stand in for what the request leaves open."""
        addresses = (*source.link.peers, *_addresses(request.peers))
        web_seeds = links.checked_web_seeds(request.web_seeds)
        selection = _selection(request, source)
        folder = await self._services.offload(self._folder, request, source.link.info_hash)
        named = self._named_tiers(links.checked_trackers(request.trackers or []))
        tiers = merged(source.tiers, named)
        if request.trackers is None and not tiers and not addresses:
            tiers = self._named_tiers(self._services.config.trackers)
        ratio, seconds = request.seed_ratio, request.seed_seconds
        if ratio is None and seconds is None:
            ratio, seconds = self._services.config.seed_ratio, self._services.config.seed_seconds
        return Plan(
            source,
            folder,
            tiers,
            SeedingGoal(ratio, seconds),
            addresses=addresses,
            web_seeds=web_seeds,
            selection=selection,
            sequential=request.sequential,
        )

    async def source(self, request: FetchRequest) -> Source:
        """Read the link, or what it names: up to `links.DOWNLOAD_SECONDS`."""
        if not request.metainfo:
            return await links.resolve(request.link, self._services.offload, self._services.http)
        if request.link:
            raise EngineError("a link or the content of a .torrent file, not both")
        return links.source_of(links.metainfo_of(request.metainfo))

    def _folder(self, request: FetchRequest, info_hash: InfoHash) -> Path:
        """Where it goes. Blocking."""
        if request.folder:
            return _existing_folder(request.folder)
        if not request.on_demand:
            raise EngineError("no folder was named to fetch into")
        return self._services.own_folders.for_reading(info_hash)

    def check_ways(self, plan: Plan) -> None:
        """Refuse what can find nobody; raises EngineError. Call it once the session listens."""
        link = plan.source.link
        by_web = plan.source.info is not None and bool(link.web_seeds or plan.web_seeds)
        if by_web or link.exact_sources:
            return
        lan, dht = self._services.lan, self._services.dht
        if lan is not None or (dht is not None and dht.dht.can_join):
            return
        if any(is_websocket(url) for tier in plan.tiers for url in tier):
            return
        if not plan.addresses and not plan.tiers:
            raise EngineError(
                "nobody to fetch from: there is neither a peer nor a tracker in the link,"
                " and none was given"
            )
        if "tcp" not in self._services.config.transports:
            raise EngineError("peers are named by address, which needs the transport tcp")

    def _named_tiers(self, trackers: Iterable[str]) -> Tiers:
        """Tiers of trackers that a person named, and which so may be anywhere."""
        tiers = one_each(trackers)
        self._services.tcp_trackers.named(url for tier in tiers for url in tier)
        return tiers

    async def _copy_and_create(self, paths: list[Path], request: ShareRequest) -> CreatedTorrent:
        if not request.copy_notebooks:
            return await self._create(paths, request, None)
        offload, own = self._services.offload, self._services.own_folders
        folder = await offload(own.for_copies)
        try:
            created = await self._create(paths, request, NotebookCopies(folder).stand_in)
        except BaseException:
            await to_the_end(offload(own.remove, [folder]))
            raise
        if not own.copies_among(created.files):
            await offload(own.remove, [folder])
        return created

    async def _create(
        self,
        paths: list[Path],
        request: ShareRequest,
        stand_in: Callable[[Path], Path] | None,
    ) -> CreatedTorrent:
        """Hash the paths; ends at once when the session closes."""
        stop = threading.Event()
        self._hashing.add(stop)
        try:
            return await run_to_end(
                self._services.offload,
                stop,
                create_info,
                paths,
                name=request.name,
                private=request.private,
                progress=lambda _done, _total: _raise_if(stop),
                stand_in=stand_in,
            )
        finally:
            self._hashing.discard(stop)


def _raise_if(stop: threading.Event) -> None:
    if stop.is_set():
        raise EngineError("the share was stopped")


def _selection(request: FetchRequest, source: Source) -> FileSelection:
    if request.on_demand:
        return FileSelection(on_demand=True)
    if any(index < 0 for index in request.files):
        raise EngineError(f"there is no file {min(request.files)}")
    if request.files:
        return FileSelection.of(request.files)
    if request.select:
        return FileSelection(tuple(request.select))
    return FileSelection(indices=source.link.select)


def _existing_folder(text: str) -> Path:
    folder = Path(text).absolute()
    if not folder.is_dir():
        raise EngineError(f"there is no folder {folder}")
    return folder


def _addresses(texts: list[str]) -> tuple[PeerAddress, ...]:
    return tuple(PeerAddress.from_text(text) for text in texts)
