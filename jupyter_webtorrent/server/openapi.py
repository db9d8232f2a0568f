"""The handler of the API's own description. `openapi.json` is held against models and handlers by the tests."""

from __future__ import annotations

from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_webtorrent.server.handlers import RestHandler

DOCUMENT = Path(__file__).with_name("openapi.json")


class OpenApiHandler(RestHandler):
    """The OpenAPI document of these routes."""

    @authenticated
    @authorized
    async def get(self) -> None:
        self.finish(DOCUMENT.read_bytes())
