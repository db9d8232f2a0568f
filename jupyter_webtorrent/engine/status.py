"""A session's torrents as the values that cross to the server, the kernel and the command line, and to others."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.magnet import MagnetLink
from jupyter_webtorrent.protocol.metainfo import Metainfo
from jupyter_webtorrent.protocol.urls import shown_url
from jupyter_webtorrent.schema.transfers import (
    FilePriority,
    FileStatus,
    PieceMap,
    SessionStatus,
    TransferDetails,
    TransferState,
    TransferStatus,
)
from jupyter_webtorrent.storage.paths import shown
from jupyter_webtorrent.swarm.rate import RateMeter
from jupyter_webtorrent.swarm.swarm import Swarm
from jupyter_webtorrent.version import __version__

METADATA_SECONDS = 30.0
"""How long peers may take to give the list of files before a person hears of it."""
NO_METADATA = (
    "no connected peer gives the list of files: if the torrent is private, or nobody has the list"
    " yet, use the .torrent file instead of the link"
)
MAX_RUNS = 400
"""Of a piece map."""


def magnet(torrent: Torrent, services: Services) -> MagnetLink:
    """The link to give to others; it names our own addresses for those that reach them directly."""
    return MagnetLink(
        torrent.info_hash,
        name=torrent.name,
        trackers=torrent.peering.trackers,
        web_seeds=torrent.link.web_seeds,
        peers=services.link_addresses(),
    ).shortened()


def metainfo(torrent: Torrent) -> bytes:
    """The .torrent file; raises EngineError while the metadata is unknown."""
    if torrent.info is None:
        raise EngineError(f"the metadata of {torrent.name} is not known yet")
    return Metainfo(torrent.info, torrent.peering.tiers, torrent.link.web_seeds).to_bytes()


def transfer_status(torrent: Torrent, services: Services) -> TransferStatus:
    swarm = torrent.swarm
    total, done = torrent.data.amounts.wanted()
    if torrent.state is TransferState.CHECKING:
        done = min(torrent.data.disk.checked_bytes, total)
    ended = torrent.arrival.at or asyncio.get_running_loop().time()
    return TransferStatus(
        info_hash=str(torrent.info_hash),
        name=torrent.name,
        state=torrent.state,
        magnet=str(magnet(torrent, services)),
        total=total,
        done=done,
        down_rate=_rate(swarm.down, swarm),
        up_rate=_rate(swarm.up, swarm),
        downloaded=torrent.data.downloaded,
        uploaded=torrent.data.uploaded,
        peers=len(swarm.peers),
        by_transport=dict(torrent.peering.connections.bytes_by_transport()),
        peers_by_transport=torrent.peering.connections.peers_by_transport(),
        shared=torrent.shared is not None,
        on_demand=torrent.swarm.on_demand,
        seconds=ended - torrent.started_at,
        paths=[str(path) for path in torrent.arrival.paths],
        folder=str(torrent.data.disk.folder),
        notice=torrent.switch.reason or torrent.data.notice or trouble(torrent) or copied(torrent),
        error=torrent.error,
    )


def transfer_details(torrent: Torrent, transfer: TransferStatus) -> TransferDetails:
    info, limits = torrent.info, torrent.peering.limits
    return TransferDetails(
        transfer=transfer,
        files=_files(torrent),
        peers=torrent.peering.connections.peer_statuses(),
        trackers=torrent.peering.discovery.tracker_statuses(),
        web_seeds=torrent.peering.web_seeds.statuses(),
        failures=torrent.peering.failures.listed(asyncio.get_running_loop().time()),
        pieces=_piece_map(torrent),
        private=info is not None and info.private,
        down_limit=limits.down,
        up_limit=limits.up,
    )


def session_status(torrents: Collection[Torrent], services: Services) -> SessionStatus:
    listening, mapping = services.listening, services.port_mapping
    external = mapping.address if mapping is not None else None
    dht = services.dht
    return SessionStatus(
        version=__version__,
        listening=str(listening) if listening is not None else None,
        down_rate=sum(_rate(torrent.swarm.down, torrent.swarm) for torrent in torrents),
        up_rate=sum(_rate(torrent.swarm.up, torrent.swarm) for torrent in torrents),
        transfers=len(torrents),
        dht_nodes=dht.dht.node_count if dht is not None else 0,
        dht_trouble=dht.trouble if dht is not None else "",
        external=str(external) if external is not None else None,
        port_mapping=mapping.message if mapping is not None else "",
    )


def _rate(meter: RateMeter, swarm: Swarm) -> float:
    """A rate that is not stale: nobody measures while nobody is there."""
    return meter.rate if swarm.peers else 0.0


def trouble(torrent: Torrent) -> str:
    """Why nothing comes, in one line, while nothing does; else empty."""
    waiting = (TransferState.METADATA, TransferState.DOWNLOADING, TransferState.ON_DEMAND)
    if torrent.state not in waiting or torrent.swarm.is_complete:
        return ""
    peering = torrent.peering
    if torrent.info is None and peering.peer_count:
        waited = asyncio.get_running_loop().time() - torrent.started_at
        return NO_METADATA if waited > METADATA_SECONDS else ""
    if not torrent.swarm.is_stalled:
        return ""
    if peering.peer_count:
        return f"none of the {peering.peer_count} connected peers has the missing pieces"
    trackers = peering.discovery.tracker_statuses()
    reasons = [
        f"{shown_url(tracker.url)}: {tracker.message}" for tracker in trackers if tracker.message
    ]
    reasons += [
        f"{shown_url(seed.url)}: {seed.message}"
        for seed in peering.web_seeds.statuses()
        if seed.message
    ]
    reasons += torrent.metadata.exact_sources.failures
    failures = peering.failures.listed(asyncio.get_running_loop().time())
    reasons += [failure.reason for failure in failures]
    reasons += [peering.discovery.dht_trouble] if peering.discovery.dht_trouble else []
    if any(tracker.state == "working" for tracker in trackers):
        alone = all((tracker.seeders or 0) == 0 for tracker in trackers)
        reasons.insert(0, "the tracker knows no seed" if alone else "connecting")
    return "no peers yet" + (f" ({'; '.join(reasons[:3])})" if reasons else "")


def copied(torrent: Torrent) -> str:
    """What is shared from a copy, in one line, if anything is."""
    info, count = torrent.info, len(torrent.copied)
    if info is None or not count:
        return ""
    if count == 1:
        name = shown(info.files[torrent.copied[0]].path[-1])
        return f"{name} is shared as it is now; share it again after you change it"
    return f"{count} notebooks are shared as they are now; share them again after you change them"


def _files(torrent: Torrent) -> list[FileStatus]:
    info, downloader = torrent.info, torrent.swarm.downloader
    if info is None:
        return []
    layout, wanted = info.layout, set(torrent.data.disk.wanted_files or range(len(info.files)))
    if torrent.swarm.on_demand:
        wanted.clear()
    files = []
    for index, file in enumerate(info.files):
        if file.padding:
            continue
        done = 0
        if downloader is not None:
            done = layout.bytes_had(layout.file_offset(index), file.length, downloader.have)
        priority = FilePriority.SKIP
        if index in wanted:
            priority = torrent.data.disk.priorities.get(index, FilePriority.NORMAL)
        name = "/".join(file.path)
        files.append(FileStatus(index, name, file.length, done, index in wanted, priority))
    return files


def _piece_map(torrent: Torrent) -> PieceMap | None:
    info, downloader = torrent.info, torrent.swarm.downloader
    if info is None:
        return None
    step = -(-info.piece_count // MAX_RUNS)
    runs = [
        range(start, min(start + step, info.piece_count))
        for start in range(0, info.piece_count, step)
    ]
    have = downloader.have if downloader is not None else Bitfield(info.piece_count)
    done = [100 * have.count_in(run) // len(run) for run in runs]
    return PieceMap(info.piece_count, info.piece_length, done)
