"""Which transfer a name, a link or the beginning of an info hash means, and what any other link stands for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.preview import Preview
from jupyter_webtorrent.kernel.progress import wait_visibly
from jupyter_webtorrent.kernel.transfer import Transfer, knows_files
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.links import LinkKind, link_kind
from jupyter_webtorrent.protocol.magnet import parse_link_or_hash
from jupyter_webtorrent.protocol.metainfo import MAX_TORRENT_BYTES, Metainfo
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import TransferStatus

_SHORTEST_BEGINNING = 4
"""Characters of an info hash."""


def find(wanted: str, transfers: Iterable[TransferStatus]) -> TransferStatus:
    """The one transfer that is meant; raises a WebTorrentError for none and for several."""
    found = matching(wanted, transfers)
    if not found:
        raise WebTorrentError(f"No transfer is called {_quoted(wanted)}; %wt ls lists them.")
    if len(found) > 1:
        raise WebTorrentError(
            f"{len(found)} transfers are meant by {_quoted(wanted)}: say how its info hash begins, as %wt ls has it."
        )
    return found[0]


def find_or_none(wanted: str, transfers: Iterable[TransferStatus]) -> TransferStatus | None:
    """The same, but None for a link that no transfer has."""
    transfers = list(transfers)
    if link_kind(wanted) is not None and not matching(wanted, transfers):
        return None
    return find(wanted, transfers)


def matching(wanted: str, transfers: Iterable[TransferStatus]) -> list[TransferStatus]:
    """All that may be meant; a name comes before the beginning of an info hash."""
    transfers = list(transfers)
    found = [status for status in transfers if status.name == wanted]
    if not found and (beginning := _hash_in(wanted)):
        found = [status for status in transfers if status.info_hash.startswith(beginning)]
    return found


@contextmanager
def peek(client: Access, link: str, timeout: float | None = None) -> Iterator[Preview]:
    """The files of a link that no transfer has; let go at the end, unless they are fetched by then.

    Raises what `wait_visibly` does.
    """
    preview = Preview(client, link)
    try:
        wait_visibly(Transfer(client, preview.status), timeout, knows_files)
        yield preview
    finally:
        preview.cancel()


def read_torrent(path: str) -> Metainfo:
    """A .torrent file, as the notebook names it; raises a WebTorrentError."""
    try:
        with open(os.path.expanduser(path), "rb") as file:
            content = file.read(MAX_TORRENT_BYTES + 1)
    except (OSError, ValueError) as error:  # such as a NUL in it
        raise WebTorrentError(
            one_line(f"{path} cannot be read: {text.reason_of(error)}.")
        ) from None
    return Metainfo.from_bytes(content)


def _hash_in(wanted: str) -> str:
    """The info hash that a link names, or the beginning of one; empty if it names none."""
    match link_kind(wanted):
        case LinkKind.MAGNET | LinkKind.HASH:
            with suppress(WebTorrentError):
                return str(parse_link_or_hash(wanted).info_hash)
        case LinkKind.FILE:
            with suppress(WebTorrentError):
                return str(read_torrent(wanted).info.info_hash)
        case None if len(wanted) >= _SHORTEST_BEGINNING:
            return wanted.lower()
    return ""


def _quoted(wanted: str) -> str:
    return repr(one_line(wanted[:100]))
