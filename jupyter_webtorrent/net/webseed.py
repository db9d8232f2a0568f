"""Ranges of a torrent's files over HTTP (BEP 19): where each file is, and one range of it.

Which ranges, how many at a time, and when to try again, is `engine.web_seed`'s decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol
from urllib.parse import quote

import aiohttp
from msgspec import Struct

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.protocol.metainfo import Info

SILENCE: Final = 20.0
"""Seconds without a byte that end a request."""
MAX_RETRY_AFTER: Final = 3600.0

_CHUNK: Final = 1 << 17
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")


class WebSeedError(NetError):
    """A web seed did not give what was asked of it."""

    retry_after: float = 0.0
    """Seconds that it asked to be left alone for."""


class FileNotThereError(WebSeedError):
    """The server works, but does not have this file, or not this version of it."""


class FileRange(Struct, frozen=True):
    """Bytes of one file at one URL."""

    url: str
    offset: int
    length: int
    """At least 1."""
    file_length: int
    """Of the whole file, as the torrent says."""


class RangeReader(Protocol):
    """What reads ranges: `HttpRanges`, or a test's."""

    async def read(self, part: FileRange, policy: Policy, take: Callable[[bytes], None]) -> None:
        """Hand exactly the asked bytes to `take`, in order, as they come; raises NetError."""


class HttpRanges:
    """Range requests over kept-alive connections (RFC 9110, section 14)."""

    def __init__(self, http: GuardedClient) -> None:
        self._http = http

    async def read(self, part: FileRange, policy: Policy, take: Callable[[bytes], None]) -> None:
        last = part.offset + part.length - 1
        headers = {"Range": f"bytes={part.offset}-{last}"}
        async with self._http.get(part.url, policy, headers=headers, silence=SILENCE) as response:
            _check(response, part)
            left = part.length
            async for chunk in response.content.iter_chunked(_CHUNK):
                take(chunk[:left])
                left -= len(chunk)
                if left <= 0:
                    break  # of a server that ignored the range, the rest is not read
        if left > 0:
            raise WebSeedError(f"it sent {part.length - left:,} bytes of {part.length:,}")


def file_url(base: str, info: Info, file: int) -> str:
    """Where a web seed has a file: below the torrent's name, or at the URL itself if there is one file (BEP 19).

    Raises WebSeedError for a path that would lead out of the web seed's folder.
    """
    if info.single_file and not base.endswith("/"):
        return base
    parts = [info.name] if info.single_file else [info.name, *info.files[file].path]
    if any(part in (".", "..") for part in parts):
        raise FileNotThereError("a file's path is not one to ask a web server for")
    return base.removesuffix("/") + "".join("/" + quote(part, safe="") for part in parts)


def _check(response: aiohttp.ClientResponse, part: FileRange) -> None:
    """Whether the body begins with what was asked for; raises WebSeedError."""
    match response.status:
        case 206:
            _check_content_range(response.headers.get("Content-Range", ""), part)
        case 200:
            size = response.content_length
            if size is not None and size != part.file_length:
                raise FileNotThereError(
                    f"its file is {size:,} bytes, and the torrent's {part.file_length:,}"
                )
            if part.offset:
                raise WebSeedError("it gives no parts of files, only whole ones")
        case 404 | 410 | 416:
            raise FileNotThereError(f"it answered {response.status}")
        case status:
            error = WebSeedError(f"it answered {status}")
            error.retry_after = _retry_after(response.headers.get("Retry-After", ""))
            raise error


def _check_content_range(text: str, part: FileRange) -> None:
    found = _CONTENT_RANGE.fullmatch(text)
    if found is None:
        raise WebSeedError("it did not say which part of the file it sends")
    if found[3] != "*" and int(found[3]) != part.file_length:
        raise FileNotThereError(
            f"its file is {int(found[3]):,} bytes, and the torrent's {part.file_length:,}"
        )
    if (int(found[1]), int(found[2])) != (part.offset, part.offset + part.length - 1):
        raise WebSeedError("it sends another part of the file than was asked for")


def _retry_after(text: str) -> float:
    """Seconds (RFC 9110, section 10.2.3), bounded; 0 if it does not say."""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        seconds = float(text)
    else:
        try:
            when = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return 0.0
        # Not by `astimezone`, which the last hours of the year 9999 overflow; "-0000" names no zone.
        when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
        seconds = (when - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
