"""What is kept of each torrent between sessions, and the records it is kept in.

The values here are what a session needs to go on; `database` makes them last, `resume` judges what they are worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, Self, TypeVar

import msgspec
from msgspec import Struct

from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.schema.transfers import FilePriority
from jupyter_webtorrent.storage.data import Stamp
from jupyter_webtorrent.storage.database import StateDatabase, any_record

_TORRENT: Final = "torrent/"
_PROGRESS: Final = "progress/"
_CLEAN: Final = "clean"

S = TypeVar("S", bound=Struct)


class KeptTorrent(Struct, frozen=True):
    """What a torrent is and where it goes. Paths are as `os.fsencode` makes them."""

    link: str
    """The magnet link: info hash, name, web seeds, peers."""
    folder: bytes
    tiers: list[list[str]]
    """Of trackers (BEP 12)."""
    select: list[str]
    """Globs of the files that are wanted."""
    indices: list[tuple[int, int]] = []
    """Runs of the files that are wanted, where no glob says so: the first of each, and the first after it."""
    on_demand: bool = False
    """Nothing is fetched but what readers ask for."""
    priorities: dict[int, FilePriority] = {}
    """Of the wanted files that are not of normal priority, by index."""
    sequential: bool = False
    down_limit: int | None = None
    """Bytes a second, as is the next; None: no limit of its own."""
    up_limit: int | None = None
    named_trackers: list[str] = []
    """That a person named: they may be anywhere."""
    info: bytes | None = None
    """The info dictionary, once it is known."""
    shared_files: list[bytes] = []
    """Of a share: where each file stands. Empty: it is fetched."""
    shared_paths: list[bytes] = []
    """Of a share: what was named."""
    web_seeds: list[str] = []
    """That a person named, besides the link's own."""
    paused: bool = False
    pause_reason: str = ""
    seed_ratio: float | None = None
    """When it is to be paused by itself, as is the next; None: never."""
    seed_seconds: float | None = None
    goal_met: bool = False
    """It was paused by itself, and is not again."""
    added_at: float = 0.0
    """Seconds since 1970."""


class KeptFile(Struct, frozen=True, array_like=True):
    """One file as it was when its pieces were confirmed."""

    writable: bool
    """It is in the part area."""
    stamp: Stamp | None
    delivered: Stamp | None


class KeptPlace(Struct, frozen=True):
    """Where the files of a torrent stand."""

    files: list[KeptFile]
    number: int = 0
    """Of a download: which of the candidate names its part has."""
    target: str = ""
    merging: bool = False
    adopted: bool = False
    notice: str = ""


class KeptProgress(Struct, frozen=True):
    """What of a torrent is on disk for certain: every piece was verified and flushed before this was written."""

    have: bytes
    """As a bitfield message has it."""
    place: KeptPlace
    finished: bool = False
    """Every wanted byte was there once: nothing is fetched again if a person changes it."""
    downloaded: int = 0
    """Block bytes of all sessions, as is the next."""
    uploaded: int = 0
    seeded: float = 0.0
    """Seconds that count for its goal, of all sessions."""


class Kept(Struct, frozen=True):
    """All that is known of one torrent."""

    torrent: KeptTorrent
    progress: KeptProgress | None
    """None: nothing, or nothing that can be trusted."""
    clean: bool
    """The last session ended in order: nobody of ours wrote after `progress`."""


class Journal:
    """The torrents of one session, in a slot of their own. Blocking and thread-safe."""

    def __init__(self, database: StateDatabase, torrents: dict[InfoHash, Kept]) -> None:
        self._database = database
        self._torrents = torrents

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Take a slot, inherit what ended sessions left, and note that this one runs; raises StorageError."""
        database, abandoned = StateDatabase.open(folder)
        try:
            torrents = _torrents(database.records)
            inherited: dict[InfoHash, Kept] = {}
            for slot in abandoned:
                inherited |= _torrents(slot.records)
            journal = cls(database, inherited | torrents)
            rows: dict[str, bytes | None] = {_CLEAN: None}
            for info_hash, kept in inherited.items():
                if info_hash not in torrents:
                    rows |= _rows(info_hash, kept.torrent, kept.progress)
            database.commit(rows)
            for slot in abandoned:
                slot.commit(dict.fromkeys(slot.records))
        except BaseException:
            database.close()
            raise
        finally:
            for slot in abandoned:
                slot.close()
        database.records.clear()
        return journal

    def take(self) -> dict[InfoHash, Kept]:
        """What earlier sessions left, in the order it was added; once, for it may be large."""
        torrents, self._torrents = self._torrents, {}
        return torrents

    def reread(self, *, clean: bool) -> None:
        """What was committed is there to `take` again, by the next session of this process; raises StorageError.

        `clean`: all that happened was committed.
        """
        records = self._database.read()
        if clean:
            records[_CLEAN] = b""
        self._torrents = _torrents(records)

    def commit(
        self,
        torrents: Mapping[InfoHash, KeptTorrent | None],
        progress: Mapping[InfoHash, KeptProgress | None],
    ) -> None:
        """Write what changed; None deletes. Raises StateDamagedError (`rebuild`), StorageError."""
        rows: dict[str, bytes | None] = {}
        for info_hash, torrent in torrents.items():
            rows[_TORRENT + str(info_hash)] = _encoded(torrent)
        for info_hash, state in progress.items():
            rows[_PROGRESS + str(info_hash)] = _encoded(state)
        self._database.commit(rows)

    def rebuild(
        self,
        torrents: Mapping[InfoHash, KeptTorrent],
        progress: Mapping[InfoHash, KeptProgress],
    ) -> None:
        """Begin a new file with all there is; raises StorageError."""
        rows: dict[str, bytes] = {}
        for info_hash, torrent in torrents.items():
            rows |= _rows(info_hash, torrent, progress.get(info_hash))
        self._database.rebuild(rows)

    def close(self, *, clean: bool) -> None:
        """Let go of the slot; `clean` only if all that happened was committed."""
        with closing(self._database):
            if clean:
                self._database.commit({_CLEAN: b""})


def has_torrents(folder: Path) -> bool:
    """Whether earlier sessions left something to go on with that no running one has. Blocking."""
    return any_record(folder, _TORRENT)


def _torrents(records: Mapping[str, bytes]) -> dict[InfoHash, Kept]:
    clean = _CLEAN in records
    found: list[tuple[InfoHash, Kept]] = []
    for key, value in records.items():
        torrent = _decoded(value, KeptTorrent) if key.startswith(_TORRENT) else None
        if torrent is None:
            continue
        try:
            info_hash = InfoHash.from_text(key.removeprefix(_TORRENT))
        except WebTorrentError:
            continue
        progress = _decoded(records.get(_PROGRESS + str(info_hash)), KeptProgress)
        found.append((info_hash, Kept(torrent, progress, clean)))
    found.sort(key=lambda entry: entry[1].torrent.added_at)
    return dict(found)


def _rows(
    info_hash: InfoHash, torrent: KeptTorrent, progress: KeptProgress | None
) -> dict[str, bytes]:
    rows = {_TORRENT + str(info_hash): msgspec.msgpack.encode(torrent)}
    if progress is not None:
        rows[_PROGRESS + str(info_hash)] = msgspec.msgpack.encode(progress)
    return rows


def _encoded(value: Struct | None) -> bytes | None:
    return None if value is None else msgspec.msgpack.encode(value)


def _decoded(value: bytes | None, kind: type[S]) -> S | None:
    """None for what a later version wrote, or nothing."""
    try:
        return None if value is None else msgspec.msgpack.decode(value, type=kind)
    except msgspec.DecodeError:
        return None
