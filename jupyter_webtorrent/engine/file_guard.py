"""Keeps a torrent from passing on what is no longer what was checked, and says so.

Told of changed files by `file_watch` and by failed reads: withdraws their pieces at once, checks them again, and
gives back what is still right. How peers hear of it is the swarm's business.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Coroutine, Iterable
from typing import Any, Protocol

from jupyter_webtorrent.engine.disk import RETRY_SECONDS, TorrentDisk
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.paths import shown
from jupyter_webtorrent.swarm.swarm import Swarm

MAX_FILES_A_LOOK = 200
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 600.0
"""A file that keeps changing is not hashed all the time: each pause is twice the last one."""


class GuardedTorrent(Protocol):
    """The torrent, as far as the guard knows it."""

    disk: TorrentDisk
    swarm: Swarm

    @property
    def info(self) -> Info | None: ...

    def lose(self, pieces: Bitfield, *, refetch: bool) -> None: ...

    def regain(self, pieces: Bitfield) -> None: ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it as long as the torrent runs."""


class FileGuard:
    """The finished and shared files of one torrent."""

    def __init__(self, torrent: GuardedTorrent, was: str) -> None:
        """`was` is what a person did with the files: `shared` or `fetched`."""
        self._torrent = torrent
        self._was = was
        self._next_file = 0
        self._pending: set[int] = set()
        """Changed files that wait to be checked again."""
        self._checks: Counter[int] = Counter()
        self._findings: dict[int, str] = {}
        """What is wrong with a file, by its index."""
        self._is_checking = False

    @property
    def notice(self) -> str:
        """What changed and what a person can do, in one line; empty if nothing did."""
        if not self._findings:
            return ""
        index = min(self._findings)
        others = len(self._findings) - 1
        more = f" (and {others} more files changed)" if others else ""
        return (
            f"{self._label(index)} {self._findings[index]}{more}:"
            " share it again to offer the new version"
        )

    def files_to_look_at(self) -> list[int]:
        """The next few files; all of them in turn, over several calls."""
        info = self._torrent.info
        if info is None or self._torrent.disk.store is None:
            return []
        count = len(info.files)
        first, length = self._next_file, min(MAX_FILES_A_LOOK, count)
        self._next_file = (first + length) % count
        return [(first + step) % count for step in range(length)]

    def changed(self, files: Collection[int]) -> None:
        """These files are not what they were: pass on nothing of them until they are checked again."""
        info = self._torrent.info
        files = set(files) - self._pending
        if info is None or not files:
            return
        self._torrent.lose(_pieces(info, files), refetch=False)
        for index in files:
            self._findings.setdefault(
                index, f"has changed since it was {self._was} and is being checked again"
            )
        self._pending |= files
        self.go_on()

    def go_on(self) -> None:
        """Check what waits for it, also what a pause kept from it."""
        info = self._torrent.info
        if info is not None and self._pending:
            self._torrent.spawn(self._check_pending(info))

    def give_up_changed(self, wanted: Iterable[int]) -> None:
        """What a person changed while nobody looked, between two sessions, is theirs: it is not fetched again."""
        info, torrent = self._torrent.info, self._torrent
        assert info is not None
        have, changed = torrent.swarm.have, Bitfield(info.piece_count)
        for piece in wanted:
            if piece not in have and not torrent.disk.can_store(info, piece):
                changed.add(piece)
        torrent.lose(changed, refetch=False)
        for index in _files(info, changed):
            self._judge(info, index, have)

    def read_failed(self, piece: int) -> None:
        """A piece that counts as had could not be read."""
        info = self._torrent.info
        if info is not None and piece in self._torrent.swarm.have:
            self.changed(_files(info, [piece]))

    def lost(self, pieces: Collection[int]) -> None:
        """These pieces are wrong although their files look as they did; those of a part are fetched again."""
        info, disk = self._torrent.info, self._torrent.disk
        assert info is not None
        again, gone = Bitfield(info.piece_count), Bitfield(info.piece_count)
        for piece in pieces:
            (again if disk.can_store(info, piece) else gone).add(piece)
        for index in _files(info, gone):
            self._findings[index] = (
                f"is no longer what was {self._was}, and what differs is not passed on"
            )
        self._torrent.lose(again, refetch=True)
        self._torrent.lose(gone, refetch=False)

    async def _check_pending(self, info: Info) -> None:
        if self._is_checking:
            return
        self._is_checking = True
        try:
            while self._pending:
                await self._check(info, set(self._pending))
        finally:
            self._is_checking = False

    async def _check(self, info: Info, files: set[int]) -> None:
        tries = max(self._checks[index] for index in files)
        if tries:
            await asyncio.sleep(min(FIRST_PAUSE_SECONDS * 2 ** (tries - 1), LONGEST_PAUSE_SECONDS))
        self._checks.update(files)
        pieces = _pieces(info, files)
        self._pending -= files  # a change from now on is another one
        try:
            good = await self._torrent.disk.check_again(files, list(pieces))
        except StorageError as error:
            for index in files:
                self._findings[index] = f"cannot be read ({error})"
            self._pending |= files
            await asyncio.sleep(RETRY_SECONDS)
            return
        except asyncio.CancelledError:
            self._pending |= files
            raise
        self._torrent.regain(good)
        for index in files - self._pending:
            self._judge(info, index, good)

    def _judge(self, info: Info, index: int, good: Bitfield) -> None:
        """Say what became of a file that was checked again."""
        store = self._torrent.disk.store
        assert store is not None
        slot = store.slots[index]
        right = all(piece in good for piece in info.layout.pieces_of_file(index))
        if slot.stamp is None:
            self._findings[index] = "is not where it was any more and is not passed on"
        elif right and slot.has_its_length:
            self._findings.pop(index, None)
        elif right:
            self._findings[index] = (
                f"has grown since it was {self._was}, and only what it was is passed on"
            )
        else:
            self._findings[index] = (
                f"has changed since it was {self._was}, and what changed is not passed on"
            )

    def _label(self, index: int) -> str:
        info = self._torrent.info
        assert info is not None
        return shown(info.files[index].path[-1])


def _files(info: Info, pieces: Iterable[int]) -> set[int]:
    layout = info.layout
    return {part.file_index for piece in pieces for part in layout.segments_of_piece(piece)}


def _pieces(info: Info, files: Collection[int]) -> Bitfield:
    pieces = Bitfield(info.piece_count)
    for index in files:
        for piece in info.layout.pieces_of_file(index):
            pieces.add(piece)
    return pieces
