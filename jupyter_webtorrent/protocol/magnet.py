"""Magnet links (BEP 9, BEP 53) and bare info hashes: text to values and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self, TypeVar
from urllib.parse import quote, unquote, unquote_plus

from jupyter_webtorrent.protocol.errors import MagnetError, WebTorrentError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.urls import TRACKER_SCHEMES, WEB_SCHEMES, check_url

MAX_LINK_BYTES: Final = 8192
MAX_TRACKERS: Final = 20
MAX_WEB_SEEDS: Final = 20
MAX_EXACT_SOURCES: Final = 20
MAX_PEERS: Final = 50
MAX_NAME_BYTES: Final = 255
"""Of a name in a link that we write."""

_SCHEME: Final = "magnet:?"
_BTIH: Final = "urn:btih:"
_BTMH: Final = "urn:btmh:"
_NUMBERED = re.compile(r"(xt|tr|ws|xs)\.[0-9]+")
# Six digits are more than a torrent can have files (bencode.MAX_ITEMS).
_RUN = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MagnetLink:
    """What to fetch, and where to begin to look for it."""

    info_hash: InfoHash
    name: str | None = None
    """What to call it until the metadata is here."""
    trackers: tuple[str, ...] = ()
    web_seeds: tuple[str, ...] = ()
    exact_sources: tuple[str, ...] = ()
    """URLs of the .torrent file (`xs`)."""
    peers: tuple[PeerAddress, ...] = ()
    select: tuple[range, ...] = ()
    """Indexes of the files that are wanted, ascending and apart; empty: all (BEP 53)."""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a `magnet:?` link; raises MagnetError. Parameters nobody knows, and a #fragment, are ignored."""
        raw = text.strip().encode("utf-8", errors="replace")  # half a surrogate pair is no text
        if len(raw) > MAX_LINK_BYTES:
            raise MagnetError(f"a magnet link is at most {MAX_LINK_BYTES:,} bytes")
        text = raw.decode("utf-8")
        if text[: len(_SCHEME)].lower() != _SCHEME:
            raise MagnetError(f"a magnet link begins with {_SCHEME}")
        # A fragment may hold a secret: it must never become part of a tracker's URL.
        query, _, _ = text[len(_SCHEME) :].partition("#")
        found = _parameters(query)
        names = [unquote_plus(name) for name in found.get("dn", [])]
        return cls(
            info_hash=_info_hash(found.get("xt", [])),
            name=next(filter(None, names), None),
            trackers=_urls(found, "tr", "trackers", TRACKER_SCHEMES, MAX_TRACKERS),
            web_seeds=_urls(found, "ws", "web seeds", WEB_SCHEMES, MAX_WEB_SEEDS),
            exact_sources=_urls(found, "xs", "exact sources", WEB_SCHEMES, MAX_EXACT_SOURCES),
            peers=_peers(found.get("x.pe", [])),
            select=_selection(found.get("so", [])),
        )

    def extended_by(self, other: Self) -> Self:
        """With what else another link of the same torrent names, but for its choice of files."""
        return replace(
            self,
            name=self.name or other.name,
            trackers=_each_once(self.trackers + other.trackers),
            web_seeds=_each_once(self.web_seeds + other.web_seeds),
            exact_sources=_each_once(self.exact_sources + other.exact_sources),
            peers=_each_once(self.peers + other.peers),
        ).shortened()

    def shortened(self) -> Self:
        """The same link within the limits that `from_text` holds: what does not fit is left out."""
        link = replace(
            self,
            name=_cut(self.name) if self.name else None,
            trackers=self.trackers[:MAX_TRACKERS],
            web_seeds=self.web_seeds[:MAX_WEB_SEEDS],
            exact_sources=self.exact_sources[:MAX_EXACT_SOURCES],
            peers=self.peers[:MAX_PEERS],
        )
        while len(str(link)) > MAX_LINK_BYTES and (link.web_seeds or len(link.trackers) > 1):
            if link.web_seeds:
                link = replace(link, web_seeds=link.web_seeds[:-1])
            else:
                link = replace(link, trackers=link.trackers[:-1])
        return link

    def __str__(self) -> str:
        parts = [f"xt={_BTIH}{self.info_hash}"]
        if self.name:
            parts.append(f"dn={quote(self.name, safe='', errors='replace')}")
        parts += [f"tr={quote(url, safe='')}" for url in self.trackers]
        parts += [f"ws={quote(url, safe='')}" for url in self.web_seeds]
        # libtorrent reads addresses as they stand.
        parts += [f"x.pe={quote(str(peer), safe=':[]')}" for peer in self.peers]
        parts += [f"xs={quote(url, safe='')}" for url in self.exact_sources]
        if self.select:
            parts.append(f"so={','.join(map(_write_run, self.select))}")
        return _SCHEME + "&".join(parts)


def _each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _cut(name: str) -> str:
    return name.encode("utf-8", "replace")[:MAX_NAME_BYTES].decode("utf-8", "ignore")


def parse_link_or_hash(text: str) -> MagnetLink:
    """A magnet link, or an info hash alone (40 hexadecimal or 32 base32 characters); raises MagnetError."""
    text = text.strip()
    if text[:7].lower() == "magnet:":
        return MagnetLink.from_text(text)
    if len(text) in (32, 40):
        return MagnetLink(InfoHash.from_text(text))
    raise MagnetError(
        "neither a magnet link nor an info hash of 40 hexadecimal or 32 base32 characters"
    )


def _parameters(query: str) -> dict[str, list[str]]:
    """The values of each parameter, still percent-encoded; `tr.1` counts as `tr`. Empty values are left out."""
    found: dict[str, list[str]] = {}
    for part in query.split("&"):
        key, _, value = part.partition("=")
        key = key.lower()
        if numbered := _NUMBERED.fullmatch(key):
            key = numbered[1]
        if value:
            found.setdefault(key, []).append(value)
    return found


def _info_hash(topics: Iterable[str]) -> InfoHash:
    topics = [unquote(topic) for topic in topics]
    hashes = {
        InfoHash.from_text(topic[len(_BTIH) :])
        for topic in topics
        if topic[: len(_BTIH)].lower() == _BTIH
    }
    if len(hashes) > 1:
        raise MagnetError(f"a magnet link has one info hash, not {len(hashes)}")
    if hashes:
        return hashes.pop()
    if any(topic[: len(_BTMH)].lower() == _BTMH for topic in topics):
        raise MagnetError(
            "this link is for BitTorrent v2 only, which is not supported: ask for a v1 or hybrid one"
        )
    raise MagnetError(f"a magnet link without an info hash (xt={_BTIH}…)")


def _urls(
    found: Mapping[str, list[str]], key: str, what: str, schemes: tuple[str, ...], limit: int
) -> tuple[str, ...]:
    urls = list(dict.fromkeys(map(unquote, found.get(key, []))))
    if key == "xs":
        # A source may be another kind of name too, such as a public key (BEP 46).
        urls = [url for url in urls if not url.lower().startswith("urn:")]
    _require_at_most(limit, len(urls), what)
    try:
        return tuple(check_url(url, schemes) for url in urls)
    except WebTorrentError as error:
        raise MagnetError(f"a magnet link's {key} cannot be used: {error}") from None


def _peers(values: Iterable[str]) -> tuple[PeerAddress, ...]:
    texts = list(dict.fromkeys(map(unquote, values)))
    _require_at_most(MAX_PEERS, len(texts), "peers")
    try:
        return tuple(map(PeerAddress.from_text, texts))
    except WebTorrentError as error:
        raise MagnetError(f"a magnet link's x.pe cannot be used: {error}") from None


def _selection(values: Iterable[str]) -> tuple[range, ...]:
    return merged_runs(_read_run(part) for value in values for part in unquote(value).split(","))


def merged_runs(runs: Iterable[range]) -> tuple[range, ...]:
    """Runs that overlap or touch become one, so that nobody goes over a file twice."""
    merged: list[range] = []
    for run in sorted(runs, key=lambda run: run.start):
        if merged and run.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, run.stop))
        else:
            merged.append(run)
    return tuple(merged)


def _read_run(text: str) -> range:
    read = _RUN.fullmatch(text)
    if read is None:
        raise MagnetError(f"a magnet link's so is made of N and N-M, not {text[:20]!r}")
    first, last = int(read[1]), int(read[2] or read[1])
    if last < first:
        raise MagnetError(f"a magnet link's so runs backwards: {text!r}")
    return range(first, last + 1)


def _write_run(run: range) -> str:
    return f"{run.start}-{run[-1]}" if len(run) > 1 else f"{run.start}"


def _require_at_most(limit: int, count: int, what: str) -> None:
    if count > limit:
        raise MagnetError(f"a magnet link has at most {limit} {what}, not {count}")
