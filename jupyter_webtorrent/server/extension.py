"""The Jupyter server extension: the engine's life, what it runs by, and the routes.

The engine is made by the first request, or at once if there are transfers to go on with, and stopped with the
server; the handlers hold everything about HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Bool, Unicode

from jupyter_webtorrent import __version__
from jupyter_webtorrent.engine.choices import (
    effective_settings,
    keep_choices,
    load_choices,
    with_choices,
)
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.settings import CONFIG_NAME, EngineSettings
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.settings import Settings, SettingsStatus
from jupyter_webtorrent.schema.transfers import TransferState
from jupyter_webtorrent.server import events, rest, streaming
from jupyter_webtorrent.server.event_log import TransferLog
from jupyter_webtorrent.server.feed import TransferFeed
from jupyter_webtorrent.server.handlers import WebTorrentHandler
from jupyter_webtorrent.server.kernel_access import KernelAccess
from jupyter_webtorrent.server.paths import PathRefusedError, ServerRoot
from jupyter_webtorrent.server.waiting import WaitingRoom
from jupyter_webtorrent.storage.journal import has_torrents

if TYPE_CHECKING:
    from jupyter_webtorrent.engine.host import EngineHost

ROUTES: list[tuple[str, type[WebTorrentHandler]]] = [
    *rest.ROUTES,
    *events.ROUTES,
    *streaming.ROUTES,
    *rest.FALLBACK_ROUTES,
]


class WebTorrentApp(EngineSettings, ExtensionApp):
    """Shares and fetches files peer to peer for the users of one Jupyter server."""

    name = "jupyter_webtorrent"
    description = "Share datasets and notebooks peer to peer."
    version = __version__
    config_file_name = CONFIG_NAME  # the default repeats "jupyter_"

    download_folder = Unicode(
        "",
        help="Where downloads go that name no folder, relative to the folder that Jupyter serves.",
    ).tag(config=True)
    seeding_counts_as_activity = Bool(
        False,
        help="Keep a server that would shut down for idleness alive while it seeds. Downloads always do.",
    ).tag(config=True)

    _host: EngineHost | None = None
    _feed: TransferFeed | None = None
    _kernel_access: KernelAccess | None = None
    _log: TransferLog | None = None
    _chosen: Settings | None = None
    _stopped = False
    _sockets: set[events.EventsHandler]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._sockets = set()
        self.waiting_room = WaitingRoom()
        self._choosing = asyncio.Lock()

    @property
    def sockets(self) -> set[events.EventsHandler]:
        """The open events WebSockets: each enters and leaves by itself."""
        return self._sockets

    async def load_engine(self) -> None:
        """Have all there that `host` and `feed` need at first, which takes long, while the server goes on."""
        if self._host is None:
            await asyncio.to_thread(importlib.import_module, "jupyter_webtorrent.engine.host")
            await self._reread_choices()

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

    def running_config(self) -> EngineConfig:
        """What the engine runs by: the settings, with what was chosen over them."""
        return with_choices(self._configured, self.chosen)

    @property
    def chosen(self) -> Settings:
        """What this server runs by of what was chosen, in it or in another one."""
        if self._chosen is None:
            self._chosen = load_choices(self._state_folder)
        return self._chosen

    @property
    def fetch_folder(self) -> str:
        """Where downloads go that name no folder; relative to the folder that Jupyter serves."""
        chosen = self.chosen.download_folder
        return self.download_folder if chosen is None else chosen

    async def settings_status(self) -> SettingsStatus:
        """What was chosen last, maybe in another server of this user, and what holds in this one."""
        kept = await self._reread_choices()
        return SettingsStatus(kept, effective_settings(self.running_config(), self.fetch_folder))

    async def choose(self, chosen: Settings) -> None:
        """Keep these settings, which were checked, and have the engine run by them from now on.

        They take the place of all that was kept: who changes some begins with `settings_status`. Raises
        WebTorrentError, and nothing has changed then.
        """
        async with self._choosing:
            before = await asyncio.to_thread(load_choices, self._state_folder)
            await asyncio.to_thread(keep_choices, self._state_folder, chosen)
            try:
                if self._host is not None:
                    config = with_choices(self._configured, chosen)
                    if chosen.listen_port != before.listen_port:
                        # Who chooses a port is told that it is taken; later any other one does.
                        strict = replace(config, listen_elsewhere=False)
                        await asyncio.wrap_future(self._host.configure(strict))
                    await asyncio.wrap_future(self._host.configure(config))
            except WebTorrentError:
                await asyncio.to_thread(keep_choices, self._state_folder, before)
                raise
            self._chosen = chosen

    async def _reread_choices(self) -> Settings:
        """What is kept now; this server runs by it if its engine is still to be made."""
        async with self._choosing:
            kept = await asyncio.to_thread(load_choices, self._state_folder)
            if self._host is None:
                self._chosen = kept
            return kept

    @property
    def own_folder(self) -> Path:
        """Where the engine keeps what nobody named a folder for, symlinks resolved."""
        return Path(os.path.realpath(self._state_folder))

    @property
    def _configured(self) -> EngineConfig:
        return self.engine_config(Path(jupyter_data_dir(), "webtorrent"))

    @property
    def _state_folder(self) -> Path:
        folder = self._configured.state_folder
        assert folder is not None
        return folder

    def initialize_settings(self) -> None:
        assert self.serverapp is not None
        assert self.serverapp.event_logger is not None
        # Who subscribes to all events gets those whose schema is known by then.
        self._log = TransferLog(self.serverapp.event_logger)
        with contextlib.suppress(PathRefusedError):  # the front end opens what lies below it
            root = ServerRoot.of(self.serverapp.contents_manager).folder
            page = self.serverapp.web_app.settings.setdefault("page_config_data", {})
            page["webtorrentRoot"] = str(root)

    def initialize_handlers(self) -> None:
        self.handlers.extend(ROUTES)

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
        if await asyncio.to_thread(has_torrents, self._state_folder):
            await self.load_engine()
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
        from jupyter_webtorrent.engine.host import EngineHost  # `load_engine` has imported it

        assert self._log is not None
        self._host = EngineHost(self.running_config())
        self._feed = TransferFeed(asyncio.get_running_loop(), self._log.changed)
        self._host.subscribe(self._feed.report)
