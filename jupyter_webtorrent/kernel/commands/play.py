"""`%wt play`: a player for one file, fetched in order while it plays."""

from __future__ import annotations

import argparse
import os
from base64 import b64encode
from fnmatch import fnmatchcase

from IPython.display import display

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.kernel.commands import lookup
from jupyter_webtorrent.kernel.player import player
from jupyter_webtorrent.kernel.progress import in_notebook, wait_visibly
from jupyter_webtorrent.kernel.transfer import Transfer, has_files
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.media import MediaKind, media_kind, media_type
from jupyter_webtorrent.schema.transfers import (
    FilePriority,
    FileStatus,
    TransferChange,
    TransferState,
)

_PLAYED = (MediaKind.VIDEO, MediaKind.AUDIO)
_EMBEDDED = (*_PLAYED, MediaKind.IMAGE)
_LARGEST_EMBEDDED = 20_000_000
"""Bytes of a file that is put into the notebook where it cannot be streamed."""
_CLEARLY_LARGEST = 2
"""Times the size of the next: an extra beside a lecture is small."""


def play(options: argparse.Namespace) -> None:
    client = connect()
    status = lookup.find_or_none(options.transfer, client.transfers())
    if status is None:
        transfer, file, is_ours = _begin(client, options.transfer, options.file)
    else:
        transfer, is_ours = Transfer(client, status), False
        wait_visibly(transfer, ready=has_files)
        file = _choose(transfer.contents().files, options.file)
        _want(transfer, file)
    url = client.stream_url(transfer.info_hash, file.path) if in_notebook() else None
    if url is not None:
        display(player(file.path, url), raw=True)  # type: ignore[no-untyped-call]
    else:
        wait_visibly(transfer, ready=lambda _: _is_here(transfer, file), is_ours=is_ours)
        _show_from_here(transfer, file)


def _begin(client: Access, link: str, wanted: str | None) -> tuple[Transfer, FileStatus, bool]:
    """Fetch one file of a link, in its order; also whether nobody else had begun to."""
    with lookup.peek(client, link) as preview:
        file = _choose(preview.files(), wanted)
        transfer = preview.fetch(".", [file.index], sequential=True)
        return transfer, file, not preview.was_there


def _want(transfer: Transfer, file: FileStatus) -> None:
    """See to it that a file of a transfer that is there comes, and soon; a stream that reads comes before all else."""
    status = transfer.known
    if file.done < file.length and status.state is not TransferState.ON_DEMAND:
        change = TransferChange(priorities={file.index: FilePriority.HIGH})
        transfer.client.change(transfer.info_hash, change)
        if status.state is TransferState.PAUSED:
            transfer.resume()


def _choose(files: list[FileStatus], wanted: str | None) -> FileStatus:
    """The file that is named, the only one, or the one that is clearly the thing to watch or hear."""
    if wanted is not None:
        found = [file for file in files if file.path == wanted] or [
            file
            for file in files
            if fnmatchcase(file.path, wanted) or fnmatchcase(os.path.basename(file.path), wanted)
        ]
        if not found:
            raise WebTorrentError(f"There is no file {wanted!r} in it; it has {_names(files)}.")
    else:
        found = [file for file in files if media_kind(file.path) in _PLAYED] or files
    by_size = sorted(found, key=lambda file: file.length, reverse=True)
    if len(by_size) > 1 and by_size[0].length < _CLEARLY_LARGEST * by_size[1].length:
        raise WebTorrentError(f"Say which file to play: {_names(by_size)}.")
    return by_size[0]


def _names(files: list[FileStatus]) -> str:
    names = [repr(text.short_name(file.path)) for file in files[:5]]
    return ", ".join(names) + (f" and {len(files) - 5} more" if len(files) > 5 else "")


def _is_here(transfer: Transfer, file: FileStatus) -> bool:
    return any(each.index == file.index and each.done == each.length for each in transfer.files)


def _show_from_here(transfer: Transfer, file: FileStatus) -> None:
    """Put a small file into the output, where there is one that shows it; else say where it is."""
    name = text.short_name(file.path)
    shown = in_notebook() and media_kind(file.path) in _EMBEDDED
    if shown and file.length <= _LARGEST_EMBEDDED:
        content = transfer.client.read(transfer.info_hash, file.path, 0, file.length)
        url = f"data:{media_type(file.path)};base64,{b64encode(content).decode()}"
        display({**player(file.path, url), "text/plain": name}, raw=True)  # type: ignore[no-untyped-call]
        return
    status = transfer.refresh()
    where = ", ".join(map(text.place, status.paths)) or text.place(status.folder)
    print(f"{name} is here: {where}")
