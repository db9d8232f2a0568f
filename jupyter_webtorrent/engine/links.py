"""What a person pastes: a magnet link, an info hash, or a .torrent file's path or URL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.offload import Offload
from jupyter_webtorrent.engine.services import unique
from jupyter_webtorrent.engine.tiers import Tiers, one_each, only
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.protocol.errors import MetainfoError, WebTorrentError
from jupyter_webtorrent.protocol.links import LinkKind, link_kind
from jupyter_webtorrent.protocol.magnet import MagnetLink, parse_link_or_hash
from jupyter_webtorrent.protocol.metainfo import MAX_TORRENT_BYTES, Info, Metainfo
from jupyter_webtorrent.protocol.printable import printable
from jupyter_webtorrent.protocol.urls import (
    TRACKER_SCHEMES,
    WEB_SCHEMES,
    check_url,
    is_local,
    shown_url,
)
from jupyter_webtorrent.storage.files import read_small_file

DOWNLOAD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Source:
    """What a link says of a torrent; `info` only if it came with the link."""

    link: MagnetLink
    info: Info | None = None
    tiers: Tiers = ()
    """Of the link's trackers."""


async def resolve(text: str, offload: Offload, http: GuardedClient) -> Source:
    """Read a link, fetching the .torrent file if it names one; raises WebTorrentError.

    A URL may lead to this machine or the local network only if whoever pasted it could see that it does.
    """
    text = text.strip()
    match link_kind(text):
        case LinkKind.MAGNET | LinkKind.HASH:
            link = parse_link_or_hash(text)
            return Source(link, tiers=one_each(link.trackers))
        case LinkKind.URL:
            try:
                check_url(text, WEB_SCHEMES)
            except WebTorrentError as error:
                raise WebTorrentError(f"not a URL to use: {error}") from None
            policy = Policy.LOCAL if is_local(text) else Policy.PUBLIC
            return source_of(await download(http, text, policy))
        case LinkKind.FILE:
            data = await offload(read_small_file, Path(text), MAX_TORRENT_BYTES)
            return source_of(metainfo_of(data))
        case None:
            raise EngineError(
                "a link is a magnet link, an info hash, or a .torrent file's path or URL,"
                f" not {printable(text)[:100]!r}"
            )


def checked_trackers(urls: Iterable[str]) -> tuple[str, ...]:
    """The URLs a person named, each once; raises EngineError for what is no tracker's."""
    return _usable(urls, TRACKER_SCHEMES, "a tracker's")


def checked_web_seeds(urls: Iterable[str]) -> tuple[str, ...]:
    """The URLs a person named, each once; raises EngineError for what is no web seed's."""
    return _usable(urls, WEB_SCHEMES, "a web seed's")


def _usable(urls: Iterable[str], schemes: tuple[str, ...], whose: str) -> tuple[str, ...]:
    for url in urls:
        try:
            check_url(url, schemes)
        except WebTorrentError as error:
            raise EngineError(f"not {whose} URL: {error}") from error
    return unique(urls)


def source_of(metainfo: Metainfo) -> Source:
    info = metainfo.info
    trackers = unique(*metainfo.trackers)
    link = MagnetLink(
        info.info_hash, name=info.name, trackers=trackers, web_seeds=metainfo.web_seeds
    )
    link = link.shortened()
    return Source(link, info, only(metainfo.trackers, link.trackers))


async def download(http: GuardedClient, url: str, policy: Policy) -> Metainfo:
    """The .torrent file at a URL; raises WebTorrentError."""
    data = bytearray()
    try:
        async with (
            asyncio.timeout(DOWNLOAD_SECONDS),
            http.get(url, policy, silence=DOWNLOAD_SECONDS) as response,
        ):
            if response.status != 200:
                raise EngineError(f"it answered {response.status}")
            async for chunk in response.content.iter_chunked(1 << 16):
                data += chunk
                if len(data) > MAX_TORRENT_BYTES:
                    break
    except TimeoutError:
        raise EngineError(f"{shown_url(url)} did not answer in {DOWNLOAD_SECONDS:.0f} s") from None
    except (NetError, EngineError) as error:
        raise EngineError(f"cannot get {shown_url(url)}: {error}") from error
    return metainfo_of(bytes(data))


def metainfo_of(data: bytes) -> Metainfo:
    """The content of a .torrent file; raises MetainfoError."""
    if len(data) > MAX_TORRENT_BYTES:
        raise MetainfoError(f"a .torrent file over {MAX_TORRENT_BYTES:,} bytes is not taken")
    return Metainfo.from_bytes(data)
