"""The handlers that begin a share or a fetch: what a request may name, and what the engine is asked for it."""

from __future__ import annotations

import asyncio
import os

import msgspec
from jupyter_server.auth.decorator import authorized
from tornado.web import HTTPError, authenticated

from jupyter_webtorrent.protocol.links import LinkKind, link_kind
from jupyter_webtorrent.protocol.magnet import parse_link_or_hash
from jupyter_webtorrent.protocol.metainfo import MAX_TORRENT_BYTES
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest
from jupyter_webtorrent.server.handlers import MAX_BODY_BYTES, RestHandler, plain_refusals

MAX_FETCH_BYTES = MAX_BODY_BYTES + MAX_TORRENT_BYTES * 4 // 3
"""Of a request that brings a .torrent file, in base64."""


class FetchBody(FetchRequest, frozen=True, forbid_unknown_fields=True):
    """What to fetch, by a link or by a .torrent file's content."""

    link: str = ""
    """A magnet link, an info hash, or a .torrent file's path or URL."""
    folder: str = ""
    """Relative to the folder that Jupyter serves; empty: as the settings say."""


class ShareHandler(RestHandler):
    """Begins a share; answers when its magnet link is known, which takes as long as hashing does."""

    _track_activity = True

    @authenticated
    @authorized
    async def post(self) -> None:
        request = self.read(ShareRequest)
        if not all(request.paths):
            raise HTTPError(400, "An empty path would share everything: name it, or say '.'.")
        paths = [await self.locate(path, "read") for path in request.paths]
        # Notebooks are shared as they are now: the next autosave of one would end its share.
        request = msgspec.structs.replace(request, paths=paths, copy_notebooks=True)
        host = await self.engine()
        status = await self.ask(host.share(request))
        self.answer(status, 202)


class FetchHandler(RestHandler):
    """Begins a fetch; answers when it has begun."""

    _track_activity = True

    max_body_bytes = MAX_FETCH_BYTES

    @authenticated
    @authorized
    async def post(self) -> None:
        body = self.read(FetchBody)
        link = await self._checked_source(body)
        # What is read on demand, and not kept for the user, has a place of the engine's own.
        folder = "" if body.on_demand and not body.folder else await self._made_folder(body.folder)
        request = FetchRequest(**{**msgspec.structs.asdict(body), "link": link, "folder": folder})
        host = await self.engine()
        status = await self.ask(host.fetch(request))
        self.answer(status, 202)

    async def _made_folder(self, named: str) -> str:
        folder = await self.locate(named or self.app.fetch_folder, "write")
        try:
            await asyncio.to_thread(os.makedirs, folder, exist_ok=True)
        except OSError as error:
            raise HTTPError(409, "There can be no folder %s: %s.", folder, error.strerror) from None
        return folder

    async def _checked_source(self, body: FetchBody) -> str:
        """The link, if it is one and the only source; checked before anything is done for it."""
        link = body.link.strip()
        if not body.metainfo:
            return await self._checked_link(link)
        if link:
            raise HTTPError(400, "Fetch by a link or by a .torrent file's content, not by both.")
        if len(body.metainfo) > MAX_TORRENT_BYTES:
            raise HTTPError(
                413,
                f"A .torrent file may have {MAX_TORRENT_BYTES:,} bytes,"
                f" not {len(body.metainfo):,}.",
            )
        return ""

    async def _checked_link(self, link: str) -> str:
        kind = link_kind(link)
        if kind is LinkKind.FILE:
            return await self.locate(link, "read")
        if kind in (LinkKind.MAGNET, LinkKind.HASH):
            with plain_refusals():
                parse_link_or_hash(link)
        if kind is None:
            raise HTTPError(
                400,
                "A link is a magnet link, an info hash, or a .torrent file's path or URL, not %r.",
                link[:100],
            )
        return link
