"""Lets pooch fetch peer to peer: `pooch.retrieve(link, known_hash, downloader=WebTorrentDownloader())`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import unquote

from jupyter_webtorrent.kernel import one_file, text
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.kernel.one_file import OneFile
from jupyter_webtorrent.kernel.paths import StrPath
from jupyter_webtorrent.kernel.preview import Preview
from jupyter_webtorrent.kernel.torrent_url import SCHEME, TorrentUrl
from jupyter_webtorrent.protocol.errors import WebTorrentError


class WebTorrentDownloader:
    """A downloader for pooch, of magnet links, `.torrent` URLs and `webtorrent://` URLs.

    One file of a folder is named by `#file=PATH` at the end of a link. What came stays in `folder` (else in
    `.webtorrent` beside the file that pooch asked for) and is passed on from there; where the file system has hard
    links, both are the same bytes. Of what is shared from here it is a copy. `timeout` is in seconds, for all of it.
    Raises WebTorrentErrors.
    """

    def __init__(
        self,
        *,
        progressbar: bool = False,
        folder: StrPath | None = None,
        timeout: float | None = None,
    ) -> None:
        self._progressbar = progressbar
        self._folder = folder
        self._timeout = timeout

    def __call__(self, url: str, output_file: StrPath, pooch: object = None) -> None:
        """Put what `url` stands for at `output_file`, in place of what may be there."""
        patience = one_file.Patience(self._timeout, visibly=self._progressbar)
        link, wanted = _link_and_file(url)
        preview = Preview(connect(), link)
        status = preview.status
        # It cannot be in two folders.
        stays = preview.was_there and not status.on_demand
        folder = (
            status.folder if stays else self._folder or Path(output_file).parent / one_file.FOLDER
        )
        names = {wanted, unquote(wanted)}
        one = one_file.fetch_one(
            preview,
            folder,
            lambda path: not wanted or path in names,
            "name one by #file=PATH",
            patience,
        )
        _place(one, Path(output_file))


def _link_and_file(url: str) -> tuple[str, str]:
    """What to fetch, and the path of the one file of it, empty if it is but one."""
    link, _, fragment = url.partition("#")
    if link.lower().startswith(SCHEME + "://"):
        named = TorrentUrl.from_text(link)
        return named.magnet, named.path
    return link, fragment.removeprefix("file=") if fragment.startswith("file=") else ""


def _place(one: OneFile, target: Path) -> None:
    """One file by two names; a copy where there are no hard links, and of what a person shares and may change."""
    beside = target.with_name(f"{target.name}.webtorrent")
    try:
        beside.unlink(missing_ok=True)
        if one.is_shared:
            one.write_to(beside)
        else:
            source = one.path()
            try:
                os.link(source, beside)
            except OSError:
                shutil.copyfile(source, beside)
        beside.replace(target)
    except OSError as error:
        raise WebTorrentError(f"{target} cannot be written: {text.reason_of(error)}.") from None
