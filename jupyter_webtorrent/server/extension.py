"""The Jupyter server extension: settings, the engine's life, and the routes.

The engine is made by the first request, or at once if there are transfers to go on with, and stopped with the
server; the handlers hold everything about HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Bool, Bunch, CaselessStrEnum, Float, Int, List, TraitError, Unicode, validate

from jupyter_webtorrent import __version__
from jupyter_webtorrent.engine.config import (
    DEFAULT_DHT_NODES,
    DEFAULT_STUN_SERVERS,
    DEFAULT_TRACKERS,
    EngineConfig,
)
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.ice_servers import TurnServer
from jupyter_webtorrent.schema.transfers import TransferState
from jupyter_webtorrent.server import events, handlers
from jupyter_webtorrent.server.event_log import TransferLog
from jupyter_webtorrent.server.feed import TransferFeed
from jupyter_webtorrent.server.kernel_access import KernelAccess
from jupyter_webtorrent.server.paths import PathRefusedError, ServerRoot
from jupyter_webtorrent.storage.journal import has_torrents

if TYPE_CHECKING:
    from jupyter_webtorrent.engine.host import EngineHost

DEFAULTS = EngineConfig()


class WebTorrentApp(ExtensionApp):
    """Shares and fetches files peer to peer for the users of one Jupyter server."""

    name = "jupyter_webtorrent"
    description = "Share datasets and notebooks peer to peer."
    version = __version__

    trackers = List(
        Unicode(),
        default_value=list(DEFAULT_TRACKERS),
        help="Trackers of the shares and links that name none of their own (ws, wss).",
    ).tag(config=True)
    stun_servers = List(
        Unicode(),
        default_value=list(DEFAULT_STUN_SERVERS),
        help="STUN servers for WebRTC, as in stun:HOST:PORT.",
    ).tag(config=True)
    turn_servers = List(
        Unicode(),
        help="TURN servers that relay WebRTC connections, as in turn:USER:PASSWORD@HOST:PORT.",
    ).tag(config=True)
    listen_host = Unicode("", help="The address to take TCP peers on; empty: every one.").tag(
        config=True
    )
    listen_port = Int(0, min=0, max=65535, help="The port for TCP peers; 0: any free one.").tag(
        config=True
    )
    transports = List(
        CaselessStrEnum(["tcp", "webrtc"]),
        default_value=["tcp", "webrtc"],
        minlen=1,
        help="What peers are reached over.",
    ).tag(config=True)
    trusted_hosts = List(
        Unicode(),
        help="Hosts on the local network that links may name as web seeds: names or addresses.",
    ).tag(config=True)
    loopback_candidates = Bool(
        False, help="WebRTC over 127.0.0.1 alone: for demos and tests that stay on one machine."
    ).tag(config=True)
    dht = Bool(True, help="Find peers by the DHT, too; never those of private torrents.").tag(
        config=True
    )
    dht_nodes = List(
        Unicode(),
        default_value=list(DEFAULT_DHT_NODES),
        help="The DHT nodes to join by, as HOST:PORT.",
    ).tag(config=True)
    lan_discovery = Bool(DEFAULTS.lan_discovery, help="Search the local network for peers.").tag(
        config=True
    )
    pex = Bool(
        DEFAULTS.pex,
        help="Exchange further peers' addresses with peers; never those of private torrents.",
    ).tag(config=True)
    port_mapping = Bool(
        DEFAULTS.port_mapping,
        help="Ask the router to let peers of the internet in (NAT-PMP, UPnP).",
    ).tag(config=True)
    encryption = CaselessStrEnum(
        ["off", "prefer", "require"],
        default_value=DEFAULTS.encryption,
        help="Disguise TCP connections: never, for peers that want it, or always.",
    ).tag(config=True)
    down_limit = Int(
        DEFAULTS.down_limit,
        min=1,
        allow_none=True,
        help="Download at most so many bytes a second; None: no limit.",
    ).tag(config=True)
    up_limit = Int(
        DEFAULTS.up_limit,
        min=1,
        allow_none=True,
        help="Upload at most so many bytes a second; None: no limit.",
    ).tag(config=True)
    limit_lan = Bool(DEFAULTS.limit_lan, help="Hold the limits on the local network too.").tag(
        config=True
    )
    seed_ratio = Float(
        DEFAULTS.seed_ratio,
        min=0,
        allow_none=True,
        help="Pause a download that is shared on once so many times its bytes were sent; None: never.",
    ).tag(config=True)
    seed_seconds = Float(
        DEFAULTS.seed_seconds,
        min=0,
        allow_none=True,
        help="Pause a download that is shared on after so many seconds of it; None: never.",
    ).tag(config=True)
    upload_slots = Int(
        DEFAULTS.upload_slots, min=1, help="How many peers of a torrent are served at a time."
    ).tag(config=True)
    max_peers = Int(
        DEFAULTS.max_peers, min=1, help="Connections of all transfers together, at most."
    ).tag(config=True)
    download_folder = Unicode(
        "",
        help="Where downloads go that name no folder, relative to the folder that Jupyter serves.",
    ).tag(config=True)
    state_folder = Unicode(
        "",
        help="Where transfers are remembered, so that a restart goes on with them;"
        " empty: webtorrent/ in Jupyter's data folder.",
    ).tag(config=True)
    seeding_counts_as_activity = Bool(
        False,
        help="Keep a server that would shut down for idleness alive while it seeds. Downloads always do.",
    ).tag(config=True)

    @validate("turn_servers")
    def _check_turn_servers(self, proposal: Bunch) -> list[str]:
        try:
            for text in proposal["value"]:
                TurnServer.from_text(text)
        except WebTorrentError as error:
            raise TraitError(str(error)) from None
        texts: list[str] = proposal["value"]
        return texts

    _host: EngineHost | None = None
    _feed: TransferFeed | None = None
    _kernel_access: KernelAccess | None = None
    _stopped = False
    _sockets: set[events.EventsHandler]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._sockets = set()

    @property
    def sockets(self) -> set[events.EventsHandler]:
        """The open events WebSockets: each enters and leaves by itself."""
        return self._sockets

    @property
    def host(self) -> EngineHost:
        """The engine, made now if nobody has asked for it before."""
        if self._host is None:
            self._start_engine()
        assert self._host is not None
        return self._host

    @property
    def feed(self) -> TransferFeed:
        """The engine's transfers, kept up to date on Jupyter's loop."""
        if self._feed is None:
            self._start_engine()
        assert self._feed is not None
        return self._feed

    @property
    def kernel_access(self) -> KernelAccess:
        if self._kernel_access is None:
            assert self.serverapp is not None
            self._kernel_access = KernelAccess(self.serverapp)
        return self._kernel_access

    @property
    def stopped(self) -> bool:
        """Whether the server is going down, so that no engine may be started any more."""
        return self._stopped

    def engine_config(self) -> EngineConfig:
        """The settings as the engine takes them."""
        return EngineConfig(
            trackers=tuple(self.trackers),
            stun_servers=tuple(self.stun_servers),
            turn_servers=tuple(TurnServer.from_text(text) for text in self.turn_servers),
            listen_host=self.listen_host,
            listen_port=self.listen_port,
            transports=frozenset(self.transports),
            trusted_hosts=tuple(self.trusted_hosts),
            loopback_candidates=self.loopback_candidates,
            state_folder=Path(self.state_folder or Path(jupyter_data_dir()) / "webtorrent"),
            dht=self.dht,
            dht_nodes=tuple(self.dht_nodes),
            lan_discovery=self.lan_discovery,
            pex=self.pex,
            port_mapping=self.port_mapping,
            encryption=self.encryption,
            down_limit=self.down_limit,
            up_limit=self.up_limit,
            limit_lan=self.limit_lan,
            seed_ratio=self.seed_ratio,
            seed_seconds=self.seed_seconds,
            upload_slots=self.upload_slots,
            max_peers=self.max_peers,
        )

    def initialize_settings(self) -> None:
        """Tell the front end which folder is served: it opens what lies below it."""
        assert self.serverapp is not None
        with contextlib.suppress(PathRefusedError):
            root = ServerRoot.of(self.serverapp.contents_manager).folder
            page = self.serverapp.web_app.settings.setdefault("page_config_data", {})
            page["webtorrentRoot"] = str(root)

    def initialize_handlers(self) -> None:
        self.handlers.extend([*handlers.ROUTES, *events.ROUTES, *handlers.FALLBACK_ROUTES])

    def current_activity(self) -> bool:
        """What keeps an idle server from shutting down."""
        if self._feed is None:
            return False
        busy = [TransferState.METADATA, TransferState.CHECKING, TransferState.DOWNLOADING]
        if self.seeding_counts_as_activity:
            busy.append(TransferState.SEEDING)
        return self._feed.count(*busy) > 0

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        self.kernel_access.publish()  # only now is the server's port known
        self.log.info("Kernels share and fetch through %s", self.kernel_access.url)
        state_folder = self.engine_config().state_folder
        assert state_folder is not None
        if await asyncio.to_thread(has_torrents, state_folder):
            await asyncio.to_thread(importlib.import_module, "jupyter_webtorrent.engine.host")
            if self._host is None and not self._stopped:
                self._start_engine()

    async def stop_extension(self) -> None:
        self._stopped = True
        self.kernel_access.withdraw()
        for socket in list(self._sockets):
            socket.close(1001, "The Jupyter server is shutting down")
        if self._host is not None:
            await asyncio.to_thread(self._host.close)

    def _start_engine(self) -> None:
        from jupyter_webtorrent.engine.host import EngineHost  # takes long to import

        assert self.serverapp is not None
        assert self.serverapp.event_logger is not None
        log = TransferLog(self.serverapp.event_logger)
        self._host = EngineHost(self.engine_config())
        self._feed = TransferFeed(asyncio.get_running_loop(), log.changed)
        self._host.subscribe(self._feed.report)
