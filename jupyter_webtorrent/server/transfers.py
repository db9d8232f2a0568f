"""The handlers of the session and of transfers that are there: list, describe, change, pause, forget."""

from __future__ import annotations

from pathlib import Path

from jupyter_server.auth.decorator import authorized
from tornado.web import HTTPError, authenticated

from jupyter_webtorrent.schema.transfers import TransferChange
from jupyter_webtorrent.server.attachment import attachment
from jupyter_webtorrent.server.handlers import RestHandler
from jupyter_webtorrent.server.paths import PathRefusedError, ServerRoot


class SessionHandler(RestHandler):
    """The session as a whole."""

    @authenticated
    @authorized
    async def get(self) -> None:
        host = await self.engine()
        status = await self.ask(host.status())
        self.answer(status)


class TransfersHandler(RestHandler):
    """All transfers, or with `?info_hash=` that one, as a list."""

    @authenticated
    @authorized
    async def get(self) -> None:
        host = await self.engine()
        transfers = await self.ask(host.transfers())
        wanted = self.get_query_argument("info_hash", "").lower()
        self.answer([status for status in transfers if wanted in ("", status.info_hash)])


class TransferHandler(RestHandler):
    """One transfer with its files, peers and trackers; DELETE forgets it, `?data=true` with what it fetched,
    `?on_demand=true` unless it has become a download, or somebody reads of it.

    PATCH changes what is wanted of it and how fast it may be.
    """

    @authenticated
    @authorized
    async def get(self, info_hash: str) -> None:
        host = await self.engine()
        details = await self.ask(host.details(info_hash.lower()))
        self.answer(details)

    @authenticated
    @authorized
    async def patch(self, info_hash: str) -> None:
        change = self.read(TransferChange)
        host = await self.engine()
        details = await self.ask(host.change(info_hash.lower(), change))
        self.answer(details)

    @authenticated
    @authorized
    async def delete(self, info_hash: str) -> None:
        delete_data, only_on_demand = self._flag("data"), self._flag("on_demand")
        if delete_data:
            await self._require_right_to_delete(info_hash.lower())
        host = await self.engine()
        removal = host.remove(
            info_hash.lower(), delete_data=delete_data, only_on_demand=only_on_demand
        )
        await self.ask(removal)
        self.set_status(204)
        self.finish()

    async def _require_right_to_delete(self, info_hash: str) -> None:
        """Whose files are deleted: the engine's own, those that Jupyter serves, or any of this machine."""
        transfers = await self.ask((await self.engine()).transfers())
        folders = (Path(each.folder) for each in transfers if each.info_hash == info_hash)
        for folder in folders:
            if folder.is_relative_to(self.app.own_folder):
                continue
            if self._is_served(folder):
                if not await self.may("write", "contents"):
                    raise HTTPError(403, "You may not delete files on this server.")
            elif not await self.may("execute", "kernels"):
                raise HTTPError(403, "Only who may run kernels may delete files outside its root.")

    def _is_served(self, folder: Path) -> bool:
        try:
            return ServerRoot.of(self.contents_manager).holds(folder)
        except PathRefusedError:  # its files are elsewhere
            return False

    def _flag(self, name: str) -> bool:
        """Whether the query says so."""
        value = self.get_query_argument(name, "false")
        if value not in ("true", "false"):
            raise HTTPError(400, "%s is true or false, not %r.", name, value)
        return value == "true"


class PauseHandler(RestHandler):
    """Stops all traffic of one transfer, or lets it go on; answers with the transfer as it is then."""

    @authenticated
    @authorized
    async def post(self, info_hash: str, action: str) -> None:
        host = await self.engine()
        call = host.pause if action == "pause" else host.resume
        status = await self.ask(call(info_hash.lower()))
        self.answer(status)


class MetainfoHandler(RestHandler):
    """A transfer's .torrent file."""

    @authenticated
    @authorized
    async def get(self, info_hash: str) -> None:
        host = await self.engine()
        details = await self.ask(host.details(info_hash.lower()))
        content = await self.ask(host.metainfo(info_hash.lower()))
        self.set_header("Content-Disposition", attachment(f"{details.transfer.name}.torrent"))
        self.finish(content, set_content_type="application/x-bittorrent")
