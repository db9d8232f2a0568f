"""`share` and `fetch`: what a notebook says in Python, as requests to its server."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.kernel.paths import StrPath, absolute
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.links import LinkKind, link_kind
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest


def share(
    paths: StrPath | Iterable[StrPath],
    *,
    name: str | None = None,
    trackers: Sequence[str] | None = None,
    private: bool = False,
    seed_ratio: float | None = None,
    seed_seconds: float | None = None,
    web_seeds: Sequence[str] = (),
) -> Transfer:
    """Share a file, a folder, or several of them as one folder called `name`; give `.magnet` to others.

    It is passed on for as long as the Jupyter server runs. `trackers` takes the place of the server's own;
    `private` keeps peers from being found by any other way (BEP 27); `web_seeds` are URLs of web servers that have
    the files too (BEP 19). It pauses once `seed_ratio` times its bytes were sent, or after `seed_seconds`.
    Notebooks are shared as they are now, from copies. Raises a WebTorrentError.
    """
    client = connect()
    named = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not all(map(os.fspath, named)):
        raise WebTorrentError("An empty path would share the whole folder: name it, or say '.'.")
    request = ShareRequest(
        paths=[absolute(path) for path in named],
        name=name,
        trackers=None if trackers is None else list(trackers),
        private=private,
        seed_ratio=seed_ratio,
        seed_seconds=seed_seconds,
        web_seeds=list(web_seeds),
        copy_notebooks=True,
    )
    return Transfer(client, client.share(request))


@overload
def fetch(
    link: StrPath,
    folder: StrPath | None = None,
    *,
    select: str | Sequence[str] = (),
    trackers: Sequence[str] | None = None,
    sequential: bool = False,
    known_hash: None = None,
) -> Transfer: ...


@overload
def fetch(
    link: StrPath,
    folder: StrPath | None = None,
    *,
    select: str | Sequence[str] = (),
    trackers: Sequence[str] | None = None,
    known_hash: str,
) -> Path: ...


def fetch(
    link: StrPath,
    folder: StrPath | None = None,
    *,
    select: str | Sequence[str] = (),
    trackers: Sequence[str] | None = None,
    sequential: bool = False,
    known_hash: str | None = None,
) -> Transfer | Path:
    """Begin to fetch a magnet link, an info hash, or the path or URL of a .torrent file.

    It goes to `folder`, or else to the notebook's own; `select` limits it to the files that match these globs;
    `sequential` brings the beginning first, for those who look at it meanwhile.
    Returns at once: `fetch(link).wait().paths` has the files. With `known_hash`, as in "sha256:…", it is of one
    file: waits for it, compares, and returns its path. Raises a WebTorrentError.
    """
    client = connect()
    folder = absolute("." if folder is None else folder)
    globs = [select] if isinstance(select, str) else list(select)
    if known_hash is not None:
        from jupyter_webtorrent.kernel import one_file
        from jupyter_webtorrent.kernel.preview import Preview

        known = one_file.KnownHash.from_text(known_hash)
        return one_file.fetch_known(Preview(client, link, trackers), folder, globs, known)
    request = FetchRequest(
        link=absolute_link(link),
        folder=folder,
        select=globs,
        trackers=None if trackers is None else list(trackers),
        sequential=sequential,
    )
    return Transfer(client, client.fetch(request))


def absolute_link(link: StrPath) -> str:
    """A link as it is, or the path of a .torrent file as the notebook means it."""
    text = os.fspath(link).strip()
    return absolute(text) if link_kind(text) is LinkKind.FILE else text
