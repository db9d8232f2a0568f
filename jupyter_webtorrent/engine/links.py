"""What a person pastes: a magnet link, an info hash, or a .torrent file's path or URL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.offload import Offload
from jupyter_webtorrent.engine.services import unique
from jupyter_webtorrent.protocol.errors import MetainfoError, WebTorrentError
from jupyter_webtorrent.protocol.links import LinkKind, link_kind
from jupyter_webtorrent.protocol.magnet import MagnetLink, parse_link_or_hash
from jupyter_webtorrent.protocol.metainfo import MAX_TORRENT_BYTES, Info, Metainfo
from jupyter_webtorrent.protocol.printable import printable
from jupyter_webtorrent.protocol.urls import TRACKER_SCHEMES, check_url
from jupyter_webtorrent.storage.files import read_small_file

DOWNLOAD_SECONDS = 30.0
MAX_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Source:
    """What a link says of a torrent; `info` only if it came with the link."""

    link: MagnetLink
    info: Info | None = None


async def resolve(text: str, offload: Offload) -> Source:
    """Read a link, fetching the .torrent file if it names one; raises WebTorrentError."""
    text = text.strip()
    match link_kind(text):
        case LinkKind.MAGNET | LinkKind.HASH:
            return Source(parse_link_or_hash(text))
        case LinkKind.URL:
            return source_of(Metainfo.from_bytes(_checked(await _download(text))))
        case LinkKind.FILE:
            data = await offload(read_small_file, Path(text), MAX_TORRENT_BYTES)
            return source_of(Metainfo.from_bytes(_checked(data)))
        case None:
            raise EngineError(
                "a link is a magnet link, an info hash, or a .torrent file's path or URL,"
                f" not {printable(text)[:100]!r}"
            )


def checked_trackers(urls: Iterable[str]) -> tuple[str, ...]:
    """The URLs a person named, each once; raises EngineError for what is no tracker's."""
    for url in urls:
        try:
            check_url(url, TRACKER_SCHEMES)
        except WebTorrentError as error:
            raise EngineError(f"not a tracker's URL: {error}") from error
    return unique(urls)


def source_of(metainfo: Metainfo) -> Source:
    info = metainfo.info
    trackers = unique(*metainfo.trackers)
    link = MagnetLink(
        info.info_hash, name=info.name, trackers=trackers, web_seeds=metainfo.web_seeds
    )
    return Source(link.shortened(), info)


async def _download(url: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=DOWNLOAD_SECONDS)
    jar = aiohttp.DummyCookieJar()
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=jar) as client,
            client.get(
                URL(url, encoded=True),
                max_redirects=MAX_REDIRECTS,
                headers={"Accept-Encoding": "identity"},
            ) as response,
        ):
            if response.status != 200:
                raise EngineError(f"{url} answered {response.status} {response.reason}")
            data = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                data += chunk
                if len(data) > MAX_TORRENT_BYTES:
                    break
    except TimeoutError:
        raise EngineError(f"{url} did not answer in {DOWNLOAD_SECONDS:.0f} s") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise EngineError(f"cannot get {url}: {error}") from error
    return bytes(data)


def _checked(data: bytes) -> bytes:
    if len(data) > MAX_TORRENT_BYTES:
        raise MetainfoError(f"a .torrent file over {MAX_TORRENT_BYTES:,} bytes is not taken")
    return data
