"""What the swarm knows of one connected peer: values only, changed by the swarm's parts."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.extension import ExtensionHandshake
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.messages import Request
from jupyter_webtorrent.swarm.rate import RateMeter


@dataclass(slots=True, eq=False)
class Peer:
    """One connected peer (BEP 3's four flags, its pieces, and what is under way between us)."""

    handshake: Handshake
    joined_at: float
    down: RateMeter
    """Block bytes from the peer to us."""
    up: RateMeter
    """Block bytes from us to the peer."""

    am_choking: bool = True
    am_interested: bool = False
    peer_choking: bool = True
    peer_interested: bool = False

    have: Bitfield | None = None
    """The peer's pieces; None until the torrent's metadata is known."""
    early: EarlyPieces | None = None
    """What it told of its pieces before that."""
    extensions: ExtensionHandshake | None = None

    requests: dict[tuple[int, int], None] = field(default_factory=dict)
    """Our unanswered requests, oldest first, as (piece index, byte offset in the piece)."""
    requested_at: float = 0.0
    """When the peer last sent a block, or was first asked for one with none under way."""
    refused: set[int] = field(default_factory=set)
    """Pieces it rejected requests for since it last unchoked us."""

    uploads: OrderedDict[Request, None] = field(default_factory=OrderedDict)
    """The peer's requests that wait for their block, oldest first."""
    unchoked_at: float = 0.0
    metadata_served: int = 0

    @property
    def supports_fast(self) -> bool:
        return self.handshake.supports_fast

    @property
    def is_seed(self) -> bool:
        return self.have is not None and self.have.all()

    @property
    def progress(self) -> float:
        """How much of the torrent the peer has, from 0 to 1."""
        return self.have.count() / len(self.have) if self.have else 0.0

    def extension_id(self, name: str) -> int:
        """The id under which the peer takes this extension; 0 if it does not."""
        return self.extensions.ids.get(name, 0) if self.extensions else 0


@dataclass(slots=True)
class EarlyPieces:
    """Pieces a peer announced before the number of pieces was known, to be checked when it is."""

    bits: bytes | None = None
    all: bool = False
    indices: set[int] = field(default_factory=set)
