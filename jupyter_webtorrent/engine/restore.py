"""Torrents to records and back. What a record is worth on disk is `storage.resume`'s business."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from jupyter_webtorrent.engine.goals import SeedingGoal
from jupyter_webtorrent.engine.links import Source
from jupyter_webtorrent.engine.selection import FileSelection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.magnet import MAX_PEERS, MagnetLink
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.create import CreatedTorrent
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.journal import Kept, KeptTorrent


def kept_torrent(info_hash: InfoHash, kept: Kept, services: Services) -> Torrent:
    """The torrent that a record is of, ready to go on; raises WebTorrentError for one that is of no use."""
    record = kept.torrent
    link = MagnetLink.from_text(record.link)
    info = None if record.info is None else Info.from_bytes(record.info)
    if link.info_hash != info_hash or (info is not None and info.info_hash != info_hash):
        raise StorageError("the record is of another torrent")
    services.tcp_trackers.named(record.named_trackers)
    indices = tuple(range(*run) for run in record.indices)
    torrent = Torrent(
        Source(link, info),
        services,
        folder=Path(os.fsdecode(record.folder)),
        tiers=tuple(map(tuple, record.tiers)),
        selection=FileSelection(
            tuple(record.select), indices or link.select, on_demand=record.on_demand
        ),
        shared=_share(info, record),
        shared_paths=_paths(record.shared_paths),
        goal=SeedingGoal(
            record.seed_ratio,
            record.seed_seconds,
            seeded=kept.progress.seeded if kept.progress is not None else 0.0,
            is_met=record.goal_met,
        ),
        web_seeds=record.web_seeds,
        sequential=record.sequential,
        kept=kept,
    )
    torrent.data.disk.priorities.update(record.priorities)
    torrent.peering.limits.set(record.down_limit, record.up_limit)
    return torrent


def record_of(torrent: Torrent, *, brief: bool = False) -> KeptTorrent:
    """What a later session needs to know of a torrent; `brief` without its info dictionary."""
    info, shared = torrent.info, torrent.shared
    peers = tuple(torrent.peering.connections.book.addresses()[:MAX_PEERS])
    disk, limits = torrent.data.disk, torrent.peering.limits
    link = replace(torrent.link, trackers=(), peers=peers, select=()).shortened()
    return KeptTorrent(
        link=str(link),
        folder=os.fsencode(disk.folder),
        tiers=[list(tier) for tier in torrent.peering.tiers],
        named_trackers=list(torrent.peering.named_trackers),
        select=list(disk.selection.globs),
        indices=[(run.start, run.stop) for run in disk.selection.indices],
        on_demand=disk.selection.on_demand,
        priorities=dict(disk.priorities),
        sequential=torrent.swarm.sequential,
        down_limit=limits.down,
        up_limit=limits.up,
        info=None if info is None else b"" if brief else info.raw,
        shared_files=[os.fsencode(path) for path in shared.files] if shared else [],
        shared_paths=[os.fsencode(path) for path in torrent.shared_paths],
        web_seeds=list(torrent.peering.web_seeds.urls(Policy.NAMED)),
        paused=torrent.switch.is_paused,
        pause_reason=torrent.switch.reason,
        seed_ratio=torrent.goal.ratio,
        seed_seconds=torrent.goal.seconds,
        goal_met=torrent.goal.is_met,
        added_at=torrent.added_at,
    )


def _share(info: Info | None, record: KeptTorrent) -> CreatedTorrent | None:
    """None if it is a fetch."""
    files = _paths(record.shared_files)
    if not files:
        return None
    if info is None or len(files) != len(info.files):
        raise StorageError("the record of a share does not fit its files")
    return CreatedTorrent(info, files, (None,) * len(files))


def _paths(paths: list[bytes]) -> tuple[Path, ...]:
    return tuple(Path(os.fsdecode(path)) for path in paths)
