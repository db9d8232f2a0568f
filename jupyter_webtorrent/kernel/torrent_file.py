"""Writes a .torrent beside what it stands for, and over nothing that is there."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from jupyter_webtorrent.protocol.errors import WebTorrentError

_LONGEST_STEM = 200
"""Bytes; a name has 255 at most."""
_MOST_TRIES = 100


def save_beside(path: Path, metainfo: bytes) -> Path:
    """Write `data.csv.torrent` beside `data.csv`, or `data.csv (1).torrent` if that is another file.

    Returns where it is; raises a WebTorrentError.
    """
    stem = path.name.encode("utf-8", "replace")[:_LONGEST_STEM].decode("utf-8", "ignore")
    for number in count():
        target = path.parent / (f"{stem} ({number}).torrent" if number else f"{stem}.torrent")
        try:
            with target.open("xb") as file:
                file.write(metainfo)
            return target
        except FileExistsError:
            if number == _MOST_TRIES:
                raise WebTorrentError(f"{target} and its like are there already.") from None
            if target.is_file() and target.read_bytes() == metainfo:
                return target
        except OSError as error:
            raise WebTorrentError(f"{target} cannot be written: {error.strerror}.") from None
    raise AssertionError("a count ends")  # pragma: no cover
