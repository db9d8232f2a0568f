"""What a person pastes: a magnet link, an info hash, or a .torrent file's path or URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.offload import Offload
from jupyter_webtorrent.engine.services import unique
from jupyter_webtorrent.protocol.errors import MetainfoError
from jupyter_webtorrent.protocol.magnet import MagnetLink, parse_link_or_hash
from jupyter_webtorrent.protocol.metainfo import MAX_TORRENT_BYTES, Info, Metainfo

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
    if not text:
        raise EngineError("no link was given")
    if text.lower().startswith(("http://", "https://")):
        return source_of(Metainfo.from_bytes(await _download(text)))
    if text.lower().startswith("magnet:"):
        return Source(MagnetLink.from_text(text))
    path = Path(text)
    if text.endswith(".torrent") or await offload(path.is_file):
        return source_of(Metainfo.from_bytes(await offload(_read, path)))
    return Source(parse_link_or_hash(text))


def source_of(metainfo: Metainfo) -> Source:
    info = metainfo.info
    trackers = unique(*metainfo.trackers)
    link = MagnetLink(
        info.info_hash, name=info.name, trackers=trackers, web_seeds=metainfo.web_seeds
    )
    return Source(link.shortened(), info)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TORRENT_BYTES + 1)
    except OSError as error:
        raise EngineError(f"cannot read {path}: {error.strerror}") from error
    return _checked(data)


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
    return _checked(bytes(data))


def _checked(data: bytes) -> bytes:
    if len(data) > MAX_TORRENT_BYTES:
        raise MetainfoError(f"a .torrent file over {MAX_TORRENT_BYTES:,} bytes is not taken")
    return data
