"""Remembers a session's torrents for the next one, in batches: every 5 s, or 64 MiB, and when one comes or goes.

What is written was verified, and flushed to the disk before. The records are `storage.journal`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jupyter_webtorrent.engine.offload import Offload, to_the_end
from jupyter_webtorrent.engine.restore import record_of
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.storage.data import Stamp
from jupyter_webtorrent.storage.database import StateDamagedError
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.journal import Journal, KeptProgress, KeptTorrent
from jupyter_webtorrent.storage.store import PieceStore

log = logging.getLogger(__name__)

BATCH_SECONDS = 5.0
BATCH_BYTES = 64 << 20
SOON_SECONDS = 0.2
"""What comes together is written together."""
TOTALS_SECONDS = 60.0
"""How much was uploaded, and how long it was seeded, is not worth more than one write in this time."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One torrent as it is now: values that the loop does not change any more."""

    store: PieceStore
    stamps: list[Stamp | None]
    have: Bitfield
    finished: bool
    downloaded: int
    uploaded: int
    seeded: float

    def settle(self) -> KeptProgress:
        """Blocking: flush what the pieces are made of; raises StorageError."""
        place = self.store.settle(self.stamps)
        return KeptProgress(
            self.have.to_bytes(),
            place,
            self.finished,
            self.downloaded,
            self.uploaded,
            self.seeded,
        )


class StateKeeper:
    """Writes to the journal what changed. Implements `Keeper`."""

    def __init__(
        self, journal: Journal, torrents: Mapping[InfoHash, Torrent], offload: Offload
    ) -> None:
        self._journal = journal
        self._torrents = torrents
        self._offload = offload
        self._changed: set[InfoHash] = set()
        self._stored = 0
        """Bytes of verified pieces since the last batch."""
        self._wake = asyncio.Event()
        self._written: dict[InfoHash, KeptTorrent] = {}
        """Without info dictionaries, to see whether one has to be written again."""
        self._totals: dict[InfoHash, tuple[int, float]] = {}
        """Of the last write."""
        self._totals_at = asyncio.get_running_loop().time()
        self._complained = False
        self._writing = asyncio.Lock()

    def changed(self, info_hash: InfoHash, *, stored: int = 0, soon: bool = False) -> None:
        self._changed.add(info_hash)
        self._stored += stored
        if soon or self._stored >= BATCH_BYTES:
            self._wake.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(BATCH_SECONDS):
                    await self._wake.wait()
                    if self._stored < BATCH_BYTES:
                        await asyncio.sleep(SOON_SECONDS)
            except TimeoutError:
                self._note_totals()
            await to_the_end(self._write())

    async def save(self) -> None:
        """Write what is not written yet; raises StorageError, and it is tried again with the next batch."""
        async with self._writing:
            self._wake.clear()
            self._stored = 0
            changed, self._changed = self._changed, set()
            if not changed:
                return
            try:
                self._changed |= await self._commit(changed)
            except StateDamagedError:
                await self._rebuild()
            except StorageError:
                self._changed |= changed
                raise
            self._complained = False

    async def aclose(self, *, leave_open: bool) -> None:
        """Write the rest, after the torrents have ended, and let go of the journal, or leave it to be taken."""
        self._changed.update(
            info_hash
            for info_hash, torrent in self._torrents.items()
            if not torrent.is_finished or self._has_new_totals(torrent)
        )
        await self._write()
        clean = not self._changed
        try:
            end = self._journal.reread if leave_open else self._journal.close
            await self._offload(end, clean=clean)
        except StorageError as error:
            log.warning("%s", error)

    def _note_totals(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._totals_at < TOTALS_SECONDS:
            return
        self._totals_at = now
        self._changed.update(
            info_hash
            for info_hash, torrent in self._torrents.items()
            if self._has_new_totals(torrent)
        )

    def _has_new_totals(self, torrent: Torrent) -> bool:
        now = _totals(torrent)
        return self._totals.get(torrent.info_hash, now) != now

    async def _write(self) -> None:
        """One batch; what cannot be written is tried again with the next."""
        try:
            await self.save()
        except StorageError as error:
            if not self._complained:
                log.warning("%s; trying again", error)
            self._complained = True

    async def _commit(self, changed: Iterable[InfoHash]) -> set[InfoHash]:
        """Write these torrents; those that the disk would not flush yet."""
        records: dict[InfoHash, KeptTorrent | None] = {}
        snapshots: dict[InfoHash, _Snapshot] = {}
        gone: list[InfoHash] = []
        for info_hash in changed:
            torrent = self._torrents.get(info_hash)
            if torrent is None:
                gone.append(info_hash)
                records[info_hash] = None
                continue
            brief = record_of(torrent, brief=True)
            if self._written.get(info_hash) != brief:
                records[info_hash] = record_of(torrent)
                self._written[info_hash] = brief
            if (snapshot := _snapshot(torrent)) is not None:
                snapshots[info_hash] = snapshot
                self._totals[info_hash] = _totals(torrent)
        try:
            failed = await self._offload(_commit, self._journal, records, snapshots, gone)
        except StorageError:
            for info_hash in records:
                self._written.pop(info_hash, None)
            raise
        for info_hash in gone:
            self._written.pop(info_hash, None)
            self._totals.pop(info_hash, None)
        return failed

    async def _rebuild(self) -> None:
        """The file is damaged: write all there is into a new one; raises StorageError."""
        records = {key: record_of(torrent) for key, torrent in self._torrents.items()}
        snapshots = {
            key: snapshot
            for key, torrent in self._torrents.items()
            if (snapshot := _snapshot(torrent)) is not None
        }
        try:
            self._changed |= await self._offload(_rebuild, self._journal, records, snapshots)
        except StorageError:
            self._changed |= set(records)
            raise


def _snapshot(torrent: Torrent) -> _Snapshot | None:
    """None while nothing is known of what is on the disk."""
    store, downloader = torrent.data.disk.store, torrent.swarm.downloader
    if store is None or downloader is None:
        return None
    return _Snapshot(
        store,
        store.stamps(),
        downloader.have.copy(),
        torrent.is_finished,
        torrent.data.downloaded,
        *_totals(torrent),
    )


def _totals(torrent: Torrent) -> tuple[int, float]:
    """What goes on while it seeds: block bytes sent, and the seconds that count for its goal."""
    return torrent.uploaded, torrent.goal.seeded


def _settled(
    snapshots: Mapping[InfoHash, _Snapshot],
) -> tuple[dict[InfoHash, KeptProgress], set[InfoHash]]:
    """Blocking: what may be trusted from now on, and the torrents that the disk would not flush."""
    progress: dict[InfoHash, KeptProgress] = {}
    failed: set[InfoHash] = set()
    for info_hash, snapshot in snapshots.items():
        try:
            progress[info_hash] = snapshot.settle()
        except StorageError as error:
            log.warning("%s", error)
            failed.add(info_hash)
    return progress, failed


def _commit(
    journal: Journal,
    records: Mapping[InfoHash, KeptTorrent | None],
    snapshots: Mapping[InfoHash, _Snapshot],
    gone: Iterable[InfoHash],
) -> set[InfoHash]:
    progress, failed = _settled(snapshots)
    journal.commit(records, {**progress, **dict.fromkeys(gone)})
    return failed


def _rebuild(
    journal: Journal,
    records: Mapping[InfoHash, KeptTorrent],
    snapshots: Mapping[InfoHash, _Snapshot],
) -> set[InfoHash]:
    progress, failed = _settled(snapshots)
    journal.rebuild(records, progress)
    return failed
