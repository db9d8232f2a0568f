"""What a session may be told: addresses, transports, trackers and limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from jupyter_webtorrent.protocol.ice_servers import TurnServer
from jupyter_webtorrent.swarm.choker import UPLOAD_SLOTS

DEFAULT_TRACKERS = (
    "wss://tracker.btorrent.xyz",
    "wss://tracker.openwebtorrent.com",
    "wss://tracker.webtorrent.dev",
)
"""The public WebSocket trackers that browsers use too."""

DEFAULT_STUN_SERVERS = ("stun:stun.l.google.com:19302",)

DEFAULT_DHT_NODES = (
    "dht.libtorrent.org:25401",
    "router.bittorrent.com:6881",
    "dht.transmissionbt.com:6881",
    "router.utorrent.com:6881",
)
"""Well-known nodes by which one joins the DHT."""

EncryptionMode: TypeAlias = Literal["off", "prefer", "require"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """The settings of one Session. Nothing here opens a port or names a host until the first share or fetch."""

    trackers: tuple[str, ...] = DEFAULT_TRACKERS
    """For torrents that name none of their own."""
    stun_servers: tuple[str, ...] = DEFAULT_STUN_SERVERS
    """Asked for this machine's public address, those out on the internet only if the tracker is there too."""
    turn_servers: tuple[TurnServer, ...] = ()
    """They relay WebRTC connections that find no other way."""
    listen_host: str = ""
    """Empty: every interface."""
    listen_port: int = 0
    """0: any free port."""
    listen_elsewhere: bool = False
    """Whether any free port does if that one is taken."""
    transports: frozenset[str] = frozenset({"tcp", "webrtc"})
    loopback_candidates: bool = False
    """127.0.0.1 is the one WebRTC candidate: for demos and tests that stay on one machine."""
    lan_discovery: bool = True
    """Search the local network for peers (BEP 14), unless the session listens on loopback alone."""
    dht: bool = True
    """Find peers by the DHT (BEP 5), over TCP; never those of private torrents."""
    dht_nodes: tuple[str, ...] = DEFAULT_DHT_NODES
    """HOST:PORT of the nodes by which to join it. A session that listens on loopback alone asks only such nodes."""
    pex: bool = True
    """Peers tell each other of further peers (BEP 11); never those of private torrents."""
    port_mapping: bool = False
    """Ask the gateway to lead a port of its public address here (NAT-PMP, UPnP), and name that address in links.
    Never where the session listens on loopback alone."""
    encryption: EncryptionMode = "prefer"
    """Of TCP handshakes (MSE), against equipment that slows BitTorrent down. "prefer": both kinds are taken, and a
    peer that hangs up on a plain one is dialled with an encrypted one; "require": encrypted with RC4 only."""
    trusted_hosts: tuple[str, ...] = ()
    """Hosts by name or address that web seeds and .torrent URLs may be on even if they are not public."""
    max_peers: int = 200
    """Connections of the whole session."""
    max_peers_per_torrent: int = 55
    max_half_open: int = 100
    """Incoming connections that have not shaken hands yet: past it the oldest is closed."""
    max_half_open_per_address: int = 8
    """The same of one host."""
    upload_slots: int = UPLOAD_SLOTS
    """Peers of one torrent that are served at a time."""
    handshake_timeout: float = 10.0
    """Seconds, as are the next two."""
    connect_timeout: float = 10.0
    idle_timeout: float = 120.0
    down_limit: int | None = None
    """Bytes a second of all torrents, as is the next; None: no limit."""
    up_limit: int | None = None
    limit_lan: bool = False
    """Whether the limits hold for peers on this machine and the local network too."""
    seed_ratio: float | None = None
    """What was fetched is seeded until so many times its bytes were sent, and then paused; None: no such goal."""
    seed_seconds: float | None = None
    """The same for the time it is seeded."""
    piece_cache_bytes: int = 64 << 20
    """What is kept of blocks read for upload, by all torrents."""
    state_folder: Path | None = None
    """Where the torrents are remembered, so that a later session goes on with them. None: nowhere."""
