"""Which URLs of trackers and web seeds are fit to be handed on, and what of a URL is fit to be shown.

Where they lead is the net layer's question.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.identity import is_host
from jupyter_webtorrent.protocol.printable import printable

TRACKER_SCHEMES: Final = ("http", "https", "udp", "ws", "wss")
WEB_SCHEMES: Final = ("http", "https")
"""Of web seeds (BEP 19) and of a link's exact sources."""

MAX_URL_CHARACTERS: Final = 2048


def check_url(url: str, schemes: tuple[str, ...]) -> str:
    """The URL itself if it is absolute, printable and of one of the schemes.

    Raises WebTorrentError with the reason. The reason never holds the URL, which may hold a secret.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise WebTorrentError(f"a URL of {len(url):,} characters is over {MAX_URL_CHARACTERS:,}")
    if not url.isprintable() or " " in url:
        raise WebTorrentError("a URL holds a space or a character that cannot be printed")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise WebTorrentError("the host or port of a URL cannot be read") from None
    if parts.scheme not in schemes:
        raise WebTorrentError(f"its scheme must be {', '.join(schemes)}, not {parts.scheme[:20]!r}")
    if not host or not is_host(host):
        raise WebTorrentError(f"a {parts.scheme} URL names no host")
    return url


def shown_url(url: str) -> str:
    """A URL for an error, a notice or a log: printable, and without its user, its query and its fragment.

    These may hold a password or a token. Of what cannot be read only the scheme is left.
    """
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        shown = urlunsplit((parts.scheme, place, parts.path, "", ""))
    except ValueError:
        shown = f"{url.partition(':')[0]}:…"
    return printable(shown)


def is_local(url: str) -> bool:
    """Whether a URL's host is this machine or, by its address or name, on the local network."""
    try:
        return is_local_host(urlsplit(url).hostname or "")
    except ValueError:
        return False  # which `check_url` refuses


def is_local_host(host: str) -> bool:
    """The same of a host by itself."""
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(".local")
    return address.is_private or address.is_loopback or address.is_link_local


def usable_urls(urls: list[str], schemes: tuple[str, ...]) -> list[str]:
    """Those that `check_url` lets pass, in order, each once."""
    usable: dict[str, None] = {}
    for url in urls:
        try:
            usable[check_url(url, schemes)] = None
        except WebTorrentError:
            continue
    return list(usable)
