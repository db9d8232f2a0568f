"""How much is here of what is wanted of a torrent, told each second and so counted only when it has changed.

What is wanted, and which pieces there are, is known by the disk and the swarm.
"""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_webtorrent.engine.disk import TorrentDisk
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.swarm.download import Downloader
from jupyter_webtorrent.swarm.swarm import Swarm


class Amounts:
    """Of one torrent, in bytes of files; padding counts nowhere."""

    def __init__(self, swarm: Swarm, disk: TorrentDisk) -> None:
        self._swarm = swarm
        self._disk = disk
        self._chosen: tuple[Info, tuple[int, ...]] | None = None
        self._runs: list[range] = []
        """The bytes that are chosen, in the torrent's order."""
        self._total = 0
        self._counted: tuple[Downloader, int] | None = None
        self._done = 0

    def wanted(self) -> tuple[int, int]:
        """Bytes that are wanted, and those of them that are verified; none while the metadata is unknown.

        Of a torrent on demand every file may be read, and all count.
        """
        info, downloader = self._swarm.info, self._swarm.downloader
        if info is None:
            return 0, 0
        files = () if self._swarm.on_demand else self._disk.wanted_files
        if self._chosen is None or self._chosen[0] is not info or self._chosen[1] != files:
            self._chosen = info, files
            self._runs = _runs(info, files or range(len(info.files)))
            self._total = sum(map(len, self._runs))
            self._counted = None
        if downloader is None:
            return self._total, 0
        now = downloader, downloader.have_changes
        if self._counted != now:
            self._counted = now
            layout, have = info.layout, downloader.have
            self._done = sum(layout.bytes_had(run.start, len(run), have) for run in self._runs)
        return self._total, self._done


def _runs(info: Info, files: Iterable[int]) -> list[range]:
    """The bytes of files in the torrent, those that follow each other as one."""
    runs: list[range] = []
    for index in files:
        if info.files[index].padding or not info.files[index].length:
            continue
        start = info.layout.file_offset(index)
        stop = start + info.files[index].length
        if runs and runs[-1].stop == start:
            start = runs.pop().start
        runs.append(range(start, stop))
    return runs
