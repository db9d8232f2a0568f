"""The handler of what may be set while the server runs. Keeping and applying it is the extension's."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_webtorrent.engine.choices import check_choices
from jupyter_webtorrent.schema.settings import Settings
from jupyter_webtorrent.server.handlers import RestHandler, plain_refusals


class SettingsHandler(RestHandler):
    """What was chosen over the server's configuration, and what holds."""

    @authenticated
    @authorized
    async def get(self) -> None:
        self.answer(await self.app.settings_status())

    @authenticated
    @authorized
    async def put(self) -> None:
        chosen = self.read(Settings)
        with plain_refusals():
            check_choices(chosen)
        if chosen.download_folder:
            await self.locate(chosen.download_folder, "write")
        with plain_refusals():
            await self.app.choose(chosen)
        self.answer(await self.app.settings_status())
