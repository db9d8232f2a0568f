"""The values that cross a boundary: engine thread to server, server to kernel and browser.

Sizes are bytes, rates bytes per second, times seconds. Unknown fields in a request are an error, so that a
misspelt option is never ignored.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from jupyter_webtorrent.schema.failures import ConnectionFailure


class TransferState(Enum):
    """A transfer is in exactly one of these states."""

    METADATA = "metadata"
    """Only the link is known: the file names and hashes are still to come."""
    CHECKING = "checking"
    """What is on disk is being hashed."""
    DOWNLOADING = "downloading"
    SEEDING = "seeding"
    """Every wanted byte is verified and in place; it is passed on to whoever asks."""
    PAUSED = "paused"
    """It exchanges nothing with anybody, complete or not, until it is resumed."""
    FAILED = "failed"
    """It cannot go on; `error` says why."""
    ON_DEMAND = "on_demand"
    """Its files are known, and only what readers ask for is fetched, until files are chosen."""


class FilePriority(Enum):
    """How much a file of a transfer is wanted; those of a higher priority come first."""

    SKIP = "skip"
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class ShareRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Make one torrent of all `paths` (absolute) and seed it."""

    paths: list[str]
    name: str | None = None
    trackers: list[str] | None = None
    """None: the session's own."""
    peers: list[str] = []
    private: bool = False
    seed_ratio: float | None = None
    """Pause once so many times its bytes were sent; None: never."""
    seed_seconds: float | None = None
    """Pause once it was seeded for so long; None: never."""
    web_seeds: list[str] = []
    """URLs of web servers that have the files too, for the link and the .torrent (BEP 19)."""
    copy_notebooks: bool = False
    """Share notebooks as they are now, from copies: an editor that saves them would end their share."""


class FetchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Fetch `link` (a magnet link, info hash, or .torrent path or URL) into `folder` (absolute)."""

    link: str
    folder: str
    """Empty with `on_demand`: a place of the session's own."""
    metainfo: bytes = b""
    """The content of a .torrent file (base64 in JSON), instead of a link, which is empty then."""
    trackers: list[str] | None = None
    """In addition to the link's own. None: the session's, if the link names neither tracker nor peer."""
    peers: list[str] = []
    select: list[str] = []
    """Globs over the files' paths; empty: everything."""
    files: list[int] = []
    """Files by their index, as `FileStatus` has it; empty: as `select` says."""
    on_demand: bool = False
    """Get the list of files, and fetch only what readers ask for until files are chosen or fetched."""
    seed_ratio: float | None = None
    """Pause once so many times its bytes were sent. None, here and in the next: the session's own goals."""
    seed_seconds: float | None = None
    """Pause once it was seeded for so long."""
    web_seeds: list[str] = []
    """Besides the link's own (BEP 19). As a person named them, they may be on the local network."""
    sequential: bool = False
    """Pieces in their order instead of the rarest first: worse for a swarm, better for one who looks on."""


Limit = Annotated[int, Meta(ge=1, le=2**53 - 1)]
"""Bytes a second."""


class TransferChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a transfer is to change; what is left out stays."""

    priorities: dict[int, FilePriority] = {}
    """Of some files, by index."""
    down_limit: Limit | UnsetType | None = UNSET
    """Bytes a second, as is the next; None: no limit but the session's."""
    up_limit: Limit | UnsetType | None = UNSET


class FileStatus(Struct, frozen=True):
    index: int
    path: str
    """Relative to the torrent, with `/`."""
    length: int
    done: int
    """Verified bytes."""
    wanted: bool
    """While it is on demand, no file is."""
    priority: FilePriority = FilePriority.NORMAL


class PeerStatus(Struct, frozen=True):
    address: str
    client: str
    transport: str
    down_rate: float
    up_rate: float
    downloaded: int
    uploaded: int
    progress: float
    """From 0 to 1."""
    connected: bool = True
    """False: it is gone, and it sent some of what is here."""


class TrackerStatus(Struct, frozen=True):
    url: str
    state: str
    """`connecting`, `working`, `failed`, or `standby`: another one of its tier works."""
    message: str = ""
    seeders: int | None = None
    leechers: int | None = None


class WebSeedStatus(Struct, frozen=True):
    url: str
    state: str
    """`waiting`, `working` or `failed`. What it sent is in the list of peers."""
    message: str = ""
    """Why it failed last."""


class PieceMap(Struct, frozen=True):
    """Which parts of a torrent are here."""

    count: int
    """Pieces of the torrent."""
    length: int
    """Bytes of a piece."""
    done: list[int]
    """Per cent that are verified of each of equal runs of pieces, a run being at least one piece; 400 runs at most."""


class TransferStatus(Struct, frozen=True):
    """One torrent of a session, as it is now."""

    info_hash: str
    name: str
    state: TransferState
    magnet: str
    total: int
    """Wanted bytes, or on demand all; 0 while unknown."""
    done: int
    """Wanted bytes that are verified; while checking, the bytes looked at so far."""
    down_rate: float = 0.0
    up_rate: float = 0.0
    downloaded: int = 0
    uploaded: int = 0
    peers: int = 0
    """Connected peers."""
    by_transport: dict[str, int] = field(default_factory=dict)
    """Block bytes received, by `tcp`, `webrtc` and `webseed`."""
    peers_by_transport: dict[str, int] = field(default_factory=dict)
    """The connected peers, by the same."""
    shared: bool = False
    """It was shared from its own place here, not fetched."""
    on_demand: bool = False
    """Only its list of files and what readers ask for are fetched, in every state, until files are chosen."""
    seconds: float = 0.0
    """How long the download took, or has taken so far."""
    paths: list[str] = field(default_factory=list)
    """Absolute paths of the finished top-level file or folder; empty until then."""
    folder: str = ""
    """Where it goes."""
    notice: str = ""
    """What a person may want to know while it goes on: no peers yet, a tracker that refused, a renamed target."""
    error: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether every wanted byte is verified and in place."""
        return self.state is TransferState.SEEDING or (
            self.state is TransferState.PAUSED and bool(self.paths)
        )


class TransferDetails(Struct, frozen=True):
    """A transfer, and what it is made of."""

    transfer: TransferStatus
    files: list[FileStatus]
    peers: list[PeerStatus]
    trackers: list[TrackerStatus]
    web_seeds: list[WebSeedStatus] = []
    failures: list[ConnectionFailure] = []
    """Connections that came to nothing, at most 50, the newest first."""
    pieces: PieceMap | None = None
    """None while the metadata is unknown."""
    private: bool = False
    """Its peers are found by its trackers alone (BEP 27)."""
    down_limit: int | None = None
    """Bytes a second of this transfer alone, as is the next; None: no limit of its own."""
    up_limit: int | None = None


class SessionStatus(Struct, frozen=True):
    version: str
    listening: str | None
    """The TCP address, once something was shared or fetched."""
    down_rate: float
    up_rate: float
    transfers: int
    dht_nodes: int = 0
    """DHT nodes that answered lately; 0 before the first share or fetch."""
    dht_trouble: str = ""
    """Why no DHT node is known, in one line."""
    external: str | None = None
    """The public TCP address that the gateway leads here, if it was asked to."""
    port_mapping: str = ""
    """What became of that, in one line."""


class TransferEvent(Struct, frozen=True):
    """What the events WebSocket sends: all transfers once at the start, then those that changed or went."""

    transfers: list[TransferStatus]
    removed: list[str] = field(default_factory=list)
    """Info hashes."""
    down_rate: float = 0.0
    up_rate: float = 0.0
