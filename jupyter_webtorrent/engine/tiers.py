"""Tiers of trackers (BEP 12): of each tier one tracker is enough, and all tiers are used at once.

A magnet link's trackers, and those that a person names, are a tier each, as in libtorrent.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TypeAlias

Tiers: TypeAlias = tuple[tuple[str, ...], ...]
"""Announce URLs, each once."""


def one_each(urls: Iterable[str]) -> Tiers:
    return tuple((url,) for url in dict.fromkeys(urls))


def merged(*groups: Tiers) -> Tiers:
    """All tiers one after the other; a URL that comes again is left out."""
    seen: set[str] = set()
    tiers = []
    for tier in (tier for group in groups for tier in group):
        fresh = tuple(url for url in dict.fromkeys(tier) if url not in seen)
        seen.update(fresh)
        if fresh:
            tiers.append(fresh)
    return tuple(tiers)


def only(tiers: Tiers, kept: Container[str]) -> Tiers:
    """The tiers without the URLs that are not to be kept."""
    return merged(tuple(tuple(url for url in tier if url in kept) for tier in tiers))
