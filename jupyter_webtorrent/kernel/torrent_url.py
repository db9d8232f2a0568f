"""`webtorrent://<info hash>/<path>?<parameters>`: a file of a torrent as one URL, and what it says of a magnet link.

The parameters are a magnet link's: where to look for a torrent that is not here yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, unquote

from jupyter_webtorrent.protocol.errors import MagnetError
from jupyter_webtorrent.protocol.magnet import parse_link_or_hash

SCHEME: Final = "webtorrent"

# Any other `?` is part of a name, or a pattern's.
_QUERY: Final = re.compile(r"\?(?=(?:tr|ws|xs|x\.pe|dn)(?:\.[0-9]+)?=)")
_KEPT: Final = ("tr", "ws", "xs", "x.pe")


def split_query(url: str) -> tuple[str, str]:
    """A URL without its parameters, and these."""
    place, *query = _QUERY.split(url, maxsplit=1)
    return place, query[0].partition("#")[0] if query else ""


def magnet_link(info_hash: str, query: str) -> str:
    return f"magnet:?xt=urn:btih:{info_hash}" + (f"&{query}" if query else "")


@dataclass(frozen=True, slots=True)
class TorrentUrl:
    """A URL, taken apart."""

    info_hash: str
    path: str = ""
    """In the torrent, as it was written; empty: the one file that the torrent is."""
    query: str = ""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Raises MagnetError."""
        scheme, _, rest = text.strip().partition("://")
        if scheme.lower() != SCHEME:
            raise MagnetError(f"a file of a torrent is named by {SCHEME}://INFO_HASH/PATH")
        place, query = split_query(rest)
        info_hash, _, path = place.partition("/")
        return cls(str(parse_link_or_hash(info_hash).info_hash), path.strip("/"), query)

    @classmethod
    def of(cls, magnet: str, path: str) -> Self:
        """A file, by its path, of what a magnet link or an info hash stands for; raises MagnetError."""
        link = parse_link_or_hash(magnet)
        parts = (part.partition("=") for part in str(link).partition("?")[2].split("&"))
        # Everything is quoted: fsspec takes `::`, as in an IPv6 address, for its own.
        kept = (
            f"{key}={quote(unquote(value), safe='')}" for key, _, value in parts if key in _KEPT
        )
        return cls(str(link.info_hash), quote(path), "&".join(kept))

    @property
    def magnet(self) -> str:
        return magnet_link(self.info_hash, self.query)

    def __str__(self) -> str:
        place = f"{SCHEME}://{self.info_hash}" + (f"/{self.path}" if self.path else "")
        return f"{place}?{self.query}" if self.query else place


def url(link: str, path: str = "") -> str:
    """What pandas and fsspec read a file of a magnet link or an info hash by; asks nobody, fetches nothing.

    `path` is the file's in the torrent, as `%wt info` lists it; none is needed if the torrent is but one file.
    Raises a WebTorrentError.
    """
    return str(TorrentUrl.of(link, path))
