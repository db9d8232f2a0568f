"""What the swarm knows of one connected peer: values only, changed by the swarm's parts."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.extension import ExtensionHandshake
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.messages import BitfieldMessage, HaveAll, HaveNone, Request
from jupyter_webtorrent.protocol.metainfo import MAX_PIECES
from jupyter_webtorrent.swarm.pipeline import Pipeline, limit
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

    host: str = ""
    """The other end's IP address, as far as it is known."""
    dialled: PeerAddress | None = None
    """Where it was dialled, if it was."""

    am_choking: bool = True
    am_interested: bool = False
    peer_choking: bool = True
    peer_interested: bool = False

    have: Bitfield | None = None
    """The peer's pieces; None until the torrent's metadata is known."""
    early: EarlyPieces | None = None
    """What it told of its pieces before that."""
    extensions: ExtensionHandshake | None = None

    pipeline: Pipeline = field(init=False)
    requests: dict[tuple[int, int], float] = field(default_factory=dict)
    """Our unanswered requests, oldest first: (piece index, byte offset in the piece) to when it was asked."""
    requested_at: float = 0.0
    """When the peer last sent a block, or was first asked for one with none under way."""
    refused: set[int] = field(default_factory=set)
    """Pieces it rejected requests for since it last unchoked us."""
    good_pieces: int = 0
    """Verified pieces that it had a part in."""
    prefers_runs: bool = False
    """Whether it gives pieces that follow each other more cheaply than any others, as web servers do."""
    last_begun: int | None = None
    """The piece that was last begun with it."""

    uploads: OrderedDict[Request, None] = field(default_factory=OrderedDict)
    """The peer's requests that wait for their block, oldest first."""
    unchoked_at: float = 0.0
    fair_at: float = 0.0
    """When it last sent us blocks or had none that we want, to the second; before that, when it joined."""
    metadata_requests: deque[int] = field(default_factory=deque)
    """The metadata pieces that the peer waits for."""
    metadata_served: int = 0
    """How many it asked for, these too."""
    moved_at: float = 0.0
    """When a block was last seen to have moved, to the second; before the first one, when it joined."""
    moved_bytes: int = 0
    """Block bytes that had moved by then."""

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.joined_at)

    @property
    def supports_fast(self) -> bool:
        return self.handshake.supports_fast

    @property
    def address(self) -> PeerAddress | None:
        """Where others can dial it: where we did, or the port it told us of (BEP 10, `p`)."""
        if self.dialled is not None:
            return self.dialled
        port = self.extensions.listen_port if self.extensions else None
        return PeerAddress(self.host, port) if self.host and port is not None else None

    def sample(self, now: float) -> None:
        """Once a second: take in what has moved since."""
        self.down.sample(now)
        if self.down.rate or not self.am_interested:
            self.fair_at = now
        self.up.sample(now)
        moved = self.down.total + self.up.total
        if moved != self.moved_bytes:
            self.moved_bytes, self.moved_at = moved, now

    @property
    def is_of_interest(self) -> bool:
        """Whether one of us wants something of the other."""
        return self.am_interested or self.peer_interested

    @property
    def depth(self) -> int:
        """Unanswered requests to keep; never more than the peer keeps (BEP 10, `reqq`)."""
        queue = self.extensions.request_queue if self.extensions else None
        return min(self.pipeline.depth, limit(queue))

    @property
    def is_seed(self) -> bool:
        return self.have is not None and self.have.all()

    @property
    def offered(self) -> Bitfield:
        """What it has and does not refuse now; to be asked once the metadata is known."""
        assert self.have is not None
        if not self.refused:
            return self.have
        offered = self.have.copy()
        for index in self.refused:
            offered.discard(index)
        return offered

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

    message: BitfieldMessage | HaveAll | HaveNone | None = None
    indices: Bitfield = field(default_factory=lambda: Bitfield(MAX_PIECES))

    def any(self) -> bool:
        """Whether it has a piece at all."""
        match self.message:
            case HaveAll():
                return True
            case BitfieldMessage(bits=bits) if any(bits):
                return True
        return self.indices.any()

    def bitfield(self, piece_count: int) -> Bitfield:
        """What the peer has, now that the number is known; raises ProtocolError if it does not fit."""
        have = bitfield_of(self.message or HaveNone(), piece_count)
        for index in self.indices:
            if index >= piece_count:
                raise ProtocolError(f"there is no piece {index}")
            have.add(index)
        return have


def bitfield_of(message: BitfieldMessage | HaveAll | HaveNone, piece_count: int) -> Bitfield:
    """The pieces a message tells of; raises ProtocolError for bits that do not fit."""
    if isinstance(message, BitfieldMessage):
        return Bitfield.from_bytes(message.bits, piece_count)
    return Bitfield.full(piece_count) if isinstance(message, HaveAll) else Bitfield(piece_count)
