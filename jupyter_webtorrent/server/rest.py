"""The routes of the REST API, and what answers where there is none. The events WebSocket's is in `events`."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import HTTPError, authenticated

from jupyter_webtorrent.server.handlers import RestHandler
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

NOTHING_HERE = "There is nothing at this address."


class UnknownRouteHandler(RestHandler):
    """The rest of the API's namespace, so that a 404 from here is JSON too."""

    @authenticated
    @authorized
    async def get(self) -> None:
        raise HTTPError(404, NOTHING_HERE)

    @authenticated
    @authorized
    async def post(self) -> None:
        raise HTTPError(404, NOTHING_HERE)

    @authenticated
    @authorized
    async def put(self) -> None:
        raise HTTPError(404, NOTHING_HERE)

    @authenticated
    @authorized
    async def patch(self) -> None:
        raise HTTPError(404, NOTHING_HERE)

    @authenticated
    @authorized
    async def delete(self) -> None:
        raise HTTPError(404, NOTHING_HERE)


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
