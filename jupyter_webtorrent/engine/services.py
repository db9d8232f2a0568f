"""What the torrents of one session share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from jupyter_webtorrent.engine.block_reader import ChunkCache
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.obfuscation import Obfuscation
from jupyter_webtorrent.engine.offload import Offload
from jupyter_webtorrent.engine.own_folders import OwnFolders
from jupyter_webtorrent.engine.session_dht import SessionDht
from jupyter_webtorrent.engine.tcp_trackers import TcpTrackers
from jupyter_webtorrent.engine.throttle import Throttle
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.net.lan import LocalDiscovery
from jupyter_webtorrent.net.port_mapping import PortMapping
from jupyter_webtorrent.net.trackers.websocket import TrackerListener
from jupyter_webtorrent.net.transport import Network
from jupyter_webtorrent.net.webseed import RangeReader
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.ws_messages import Announce, Answer
from jupyter_webtorrent.swarm.bans import BanList

MAX_NEGOTIATIONS = 10
"""WebRTC offers and answers under way in a session, each."""


MAX_CHECKS = 2


class TrackerClient(Protocol):
    """One WebSocket tracker's connection, shared by all torrents (`WebSocketTracker`)."""

    policy: Policy

    def subscribe(self, info_hash: InfoHash, listener: TrackerListener) -> None: ...

    def unsubscribe(self, info_hash: InfoHash) -> None: ...

    def send(self, message: Announce | Answer) -> bool: ...

    async def aclose(self) -> None: ...


class Keeper(Protocol):
    """Who remembers the torrents for a later session (`StateKeeper`)."""

    def changed(self, info_hash: InfoHash, *, stored: int = 0, soon: bool = False) -> None:
        """Something worth keeping happened to a torrent; `stored` verified bytes were written."""


@dataclass(slots=True)
class Services:
    """A session's identity, settings, network and bounds."""

    config: EngineConfig
    peer_id: PeerId
    random: Random
    network: Network
    offload: Offload
    cache: ChunkCache
    new_tracker: Callable[[str, Policy], TrackerClient]
    obfuscation: Obfuscation
    down: Throttle
    """Holds all torrents' downloads to the session's limit, as the next does their uploads."""
    up: Throttle
    http: GuardedClient
    ranges: RangeReader
    """Reads web seeds."""
    own_folders: OwnFolders
    tcp_trackers: TcpTrackers
    """The HTTP and UDP ones."""
    bans: BanList = field(default_factory=BanList)
    keeper: Keeper | None = None
    """None: nothing outlives this session."""
    checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CHECKS))
    """Torrents whose files are hashed now: blocks are read and written by the same few threads."""
    open_connections: int = 0
    """Connections of all torrents, dialled ones without a handshake too."""
    listening: PeerAddress | None = None
    reachable: PeerAddress | None = None
    """Where others reach us directly, as far as this machine can know."""
    port_mapping: PortMapping | None = None
    """What the gateway was asked for, if it was."""
    lan: LocalDiscovery | None = None
    """Peers on the local network, where there is one to search."""
    dht: SessionDht | None = None
    trackers: dict[str, TrackerClient] = field(default_factory=dict)
    """One for each URL: a tracker takes no peer id from two connections."""
    offers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_NEGOTIATIONS))
    waiting_offers: dict[asyncio.Task[None], None] = field(default_factory=dict)
    """Offers of others that wait for their turn to be answered, oldest first."""
    answers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_NEGOTIATIONS))

    def keep(self, info_hash: InfoHash, *, stored: int = 0, soon: bool = False) -> None:
        """Tell the keeper, if there is one, what `Keeper.changed` is told."""
        if self.keeper is not None:
            self.keeper.changed(info_hash, stored=stored, soon=soon)

    def link_addresses(self) -> tuple[PeerAddress, ...]:
        """Where others reach us directly: on this network, and from the internet."""
        mapped = self.port_mapping.address if self.port_mapping is not None else None
        return tuple(address for address in (self.reachable, mapped) if address is not None)

    def tracker(self, url: str) -> TrackerClient:
        """The client of a WebSocket tracker, made at its first use."""
        policy = self.tcp_trackers.policy_of(url)
        if url not in self.trackers:
            self.trackers[url] = self.new_tracker(url, policy)
        self.trackers[url].policy = policy  # a person may have named it since
        return self.trackers[url]

    async def aclose(self) -> None:
        """Close what the session opened, once its torrents have ended and its state is written."""
        for tracker in self.trackers.values():
            await tracker.aclose()
        await self.tcp_trackers.aclose()
        if self.lan is not None:
            await self.lan.aclose()
        if self.port_mapping is not None:
            await self.port_mapping.aclose()
        self.down.close()
        self.up.close()
        await self.http.aclose()
        if self.dht is not None:
            await self.dht.aclose()
        self.offload.close()


def unique(*groups: Iterable[str]) -> tuple[str, ...]:
    """All strings once, in the order of their first appearance."""
    return tuple(dict.fromkeys(text for group in groups for text in group))
