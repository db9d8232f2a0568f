"""The routes of the REST API. The events WebSocket's is in `events`."""

from __future__ import annotations

from jupyter_webtorrent.server.handlers import RestHandler, UnknownRouteHandler
from jupyter_webtorrent.server.new_transfers import FetchHandler, ShareHandler
from jupyter_webtorrent.server.openapi import OpenApiHandler
from jupyter_webtorrent.server.settings import SettingsHandler
from jupyter_webtorrent.server.transfers import (
    MetainfoHandler,
    PauseHandler,
    SessionHandler,
    TransferHandler,
    TransfersHandler,
)

ROUTES: list[tuple[str, type[RestHandler]]] = [
    (r"webtorrent/api/session", SessionHandler),
    (r"webtorrent/api/torrents", TransfersHandler),
    (r"webtorrent/api/torrents/([0-9a-fA-F]{40})", TransferHandler),
    (r"webtorrent/api/torrents/([0-9a-fA-F]{40})/(pause|resume)", PauseHandler),
    (r"webtorrent/api/torrents/([0-9a-fA-F]{40})/metainfo", MetainfoHandler),
    (r"webtorrent/api/share", ShareHandler),
    (r"webtorrent/api/fetch", FetchHandler),
    (r"webtorrent/api/settings", SettingsHandler),
    (r"webtorrent/api/openapi.json", OpenApiHandler),
]
FALLBACK_ROUTES: list[tuple[str, type[RestHandler]]] = [
    (r"webtorrent/api/.*", UnknownRouteHandler),
]
