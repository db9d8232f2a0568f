"""The engine's settings as an administrator gives them, in Jupyter's way: traitlets, and files of them.

What a person chooses while it runs lies over these: `choices` has that.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from traitlets import Bool, Bunch, CaselessStrEnum, Float, Int, List, TraitError, Unicode, validate
from traitlets.config import Configurable
from traitlets.config.loader import (
    Config,
    ConfigFileNotFound,
    FileConfigLoader,
    JSONFileConfigLoader,
    PyFileConfigLoader,
)

from jupyter_webtorrent.engine.config import (
    DEFAULT_DHT_NODES,
    DEFAULT_STUN_SERVERS,
    DEFAULT_TRACKERS,
    EngineConfig,
)
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.ice_servers import TurnServer

CONFIG_NAME = "jupyter_webtorrent_config"
"""Of the files `.py` and `.json` in Jupyter's configuration folders."""
SECTION = "WebTorrentApp"
"""Where the settings stand in them, as in `c.WebTorrentApp.up_limit = 500_000`."""

DEFAULTS = EngineConfig()


class EngineSettings(Configurable):
    """Each trait is the field of that name in EngineConfig."""

    trackers = List(
        Unicode(),
        default_value=list(DEFAULT_TRACKERS),
        help="Trackers of the shares and links that name none of their own.",
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
    state_folder = Unicode(
        "",
        help="Where transfers are remembered, so that a restart goes on with them;"
        " empty: webtorrent/ in Jupyter's data folder.",
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

    def engine_config(self, default_state_folder: Path) -> EngineConfig:
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
            state_folder=Path(self.state_folder or default_state_folder),
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


def load_settings(folders: Iterable[str]) -> EngineSettings:
    """The settings in some folders' configuration files; what a later folder says holds over an earlier one.

    Raises WebTorrentError for a file that cannot be read and for a value that makes no sense.
    """
    config = Config()
    for folder in folders:
        config.merge(_loaded(JSONFileConfigLoader(f"{CONFIG_NAME}.json", folder)))
        config.merge(_loaded(PyFileConfigLoader(f"{CONFIG_NAME}.py", folder)))
    names = EngineSettings.class_trait_names(config=True)
    chosen = {name: value for name, value in config[SECTION].items() if name in names}
    try:
        return EngineSettings(config=Config({EngineSettings.__name__: chosen}))
    except TraitError as error:
        raise WebTorrentError(f"A setting of {SECTION} cannot be used: {error}") from None


def _loaded(loader: FileConfigLoader) -> Config:
    try:
        return loader.load_config()
    except ConfigFileNotFound:
        return Config()
    except Exception as error:  # a Python file may raise anything
        raise WebTorrentError(
            f"{loader.full_filename} cannot be read: {type(error).__name__}: {error}"
        ) from None
