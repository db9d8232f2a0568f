"""What a TCP peer and a tracker tell each other, over HTTP and UDP alike (BEP 3, 7, 15, 24).

The two wires are `http_tracker` and `udp_tracker`; WebSocket trackers, which relay offers, have their own messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.printable import one_line

Event: TypeAlias = Literal["started", "stopped", "completed"]

LONGEST_INTERVAL = 86_400.0
"""Seconds; what a tracker asks for is held between 1 and this."""
MAX_SCRAPE_HASHES = 100
MAX_PEERS = 200
"""Taken of one reply, and given in one."""
DEFAULT_NUMWANT = 50
UNKNOWN_LEFT = 1 << 14
"""What is told for a size that is not known yet: something, for 0 would be a seed."""

_MAX_REASON_BYTES = 2000
_MAX_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class SwarmCounts:
    """Seeds, downloaders and completed downloads of one swarm."""

    complete: int = 0
    incomplete: int = 0
    downloaded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpAnnounce:
    """A TCP peer's state in one swarm; `event` is None for a periodic update."""

    info_hash: InfoHash
    peer_id: PeerId
    port: int
    """Where we listen."""
    uploaded: int = 0
    """Bytes, as are the next two."""
    downloaded: int = 0
    left: int | None = None
    """None: the size is not known yet."""
    event: Event | None = None
    numwant: int = DEFAULT_NUMWANT
    """Peers wished for."""
    key: int = 0
    """32 bits by which a tracker knows us again when our address changes."""
    tracker_id: bytes = b""
    """What this tracker called itself in an earlier reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpAnnounceResponse:
    """Where other peers listen, and when to ask again (seconds)."""

    interval: float
    min_interval: float | None = None
    """Ask no sooner, not even without peers."""
    complete: int | None = None
    incomplete: int | None = None
    peers: tuple[PeerAddress, ...] = field(default=(), repr=False)
    warning: str = ""
    tracker_id: bytes = b""
    external_ip: str | None = None
    """Our address as the tracker sees it (BEP 24)."""


def bounded_interval(seconds: int) -> float:
    """What a tracker asked for, within reason."""
    return min(max(1.0, float(seconds)), LONGEST_INTERVAL)


def reason_text(raw: bytes) -> str:
    """A tracker's words to a person, as one short printable line."""
    text = raw[:_MAX_REASON_BYTES].decode("utf-8", errors="replace")
    return one_line(text)[:_MAX_REASON_CHARACTERS]
