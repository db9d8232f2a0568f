"""What a WebSocket tracker and its peers say to each other, as values. `ws_tracker` makes text of them and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from jupyter_webtorrent.protocol.announce import Event, SwarmCounts
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId

DEFAULT_INTERVAL = 30.0
"""Seconds between announces until the tracker says otherwise."""

Action: TypeAlias = Literal["announce", "scrape"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One WebRTC offer to whichever peer the tracker picks."""

    offer_id: bytes
    sdp: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.offer_id) != 20:
            raise ValueError(f"an offer id is 20 bytes, not {len(self.offer_id)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """A peer's state in one swarm; `event` is None for a periodic update.

    `left` is in bytes, None where the size is not known yet (a downloader with only a magnet link).
    `stopped` and `completed` carry no offers.
    """

    info_hash: InfoHash
    peer_id: PeerId
    uploaded: int = 0
    downloaded: int = 0
    left: int | None = None
    event: Event | None = None
    numwant: int = 0
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Our answer to a relayed offer, for the peer that made it."""

    info_hash: InfoHash
    peer_id: PeerId
    to_peer_id: PeerId
    offer_id: bytes
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Scrape:
    """A question for the counts of swarms, at most MAX_SCRAPE_HASHES of them."""

    info_hashes: tuple[InfoHash, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceResponse:
    """Seconds until the next announce, and how many seeds and downloaders the tracker knows."""

    info_hash: InfoHash
    interval: float = DEFAULT_INTERVAL
    complete: int | None = None
    incomplete: int | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedOffer:
    """An offer of `peer_id`, passed on to us."""

    info_hash: InfoHash
    peer_id: PeerId
    offer_id: bytes
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedAnswer:
    """The answer of `peer_id` to our offer `offer_id`."""

    info_hash: InfoHash
    peer_id: PeerId
    offer_id: bytes
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScrapeResponse:
    """The counts of each swarm that was asked for."""

    swarms: dict[InfoHash, SwarmCounts]


@dataclass(frozen=True, slots=True)
class Failure:
    """The tracker refused a request, in one line; None where it does not say for which torrent."""

    info_hash: InfoHash | None
    reason: str
    action: Action = "announce"


@dataclass(frozen=True, slots=True)
class TrackerWarning:
    """Advice from the tracker that came without a response, in one line."""

    info_hash: InfoHash | None
    reason: str


Request: TypeAlias = Announce | Answer | Scrape
Reply: TypeAlias = (
    AnnounceResponse | RelayedOffer | RelayedAnswer | ScrapeResponse | Failure | TrackerWarning
)
