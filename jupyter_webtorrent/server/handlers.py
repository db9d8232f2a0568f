"""The HTTP API over the engine: what a request may ask, and how it is answered.

Every answer is JSON, every refusal `{"message": one line}`. Which files a path may mean is `paths`' rule; the
events WebSocket is in `events`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Future
from http.client import responses
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.extension.handler import ExtensionHandlerMixin
from tornado.web import HTTPError, authenticated

from jupyter_webtorrent.engine.errors import EngineError, TransferNotFoundError
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.links import LinkKind, link_kind
from jupyter_webtorrent.protocol.magnet import parse_link_or_hash
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest
from jupyter_webtorrent.server.paths import ServerRoot, is_absolute, require_usable

if TYPE_CHECKING:
    from jupyter_webtorrent.server.extension import WebTorrentApp

AUTH_RESOURCE = "webtorrent"
MAX_BODY_BYTES = 1 << 20

RequestT = TypeVar("RequestT", bound=msgspec.Struct)
ResultT = TypeVar("ResultT")


class FetchBody(FetchRequest, frozen=True, forbid_unknown_fields=True):
    """A FetchRequest as it comes over HTTP: without a folder it goes where the server's settings say."""

    folder: str = ""


class WebTorrentHandler(ExtensionHandlerMixin, JupyterHandler):
    """What REST and WebSocket handlers share: the extension, and who may ask."""

    auth_resource = AUTH_RESOURCE

    @property
    def app(self) -> WebTorrentApp:
        return cast("WebTorrentApp", self.extensionapp)

    @property
    def identity_provider(self) -> IdentityProvider:
        access = self.app.kernel_access
        if access.admits(self.request.headers.get("Authorization", "")):
            return access.identity
        return super().identity_provider

    async def may(self, action: str, resource: str) -> bool:
        """Whether Jupyter's authorizer lets this caller do `action` to `resource`."""
        return await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, action, resource)
        )


class RestHandler(WebTorrentHandler, APIHandler):
    """Reads requests, asks the engine, writes answers and refusals."""

    _track_activity = False  # panels and kernels poll: they must not keep an idle server alive

    async def prepare(self) -> None:  # type: ignore[override]
        await super().prepare()
        if self.app.stopped:
            raise HTTPError(503, "This Jupyter server is shutting down.")
        if len(self.request.body) > MAX_BODY_BYTES:
            raise HTTPError(413, f"A request may have {MAX_BODY_BYTES} bytes.")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        message = responses.get(status_code, "Unknown error")
        if isinstance(error, HTTPError):
            if error.log_message:
                message = error.log_message % error.args
        elif error is not None:
            message = "The server could not do this; its log says why."
        self.answer({"message": one_line(message)})

    def answer(self, value: object, status_code: int | None = None) -> None:
        """Finish with a value as JSON."""
        if status_code is not None:
            self.set_status(status_code)
        self.finish(msgspec.json.encode(value))

    def read(self, model: type[RequestT]) -> RequestT:
        """The request's body; a 400 with the field in it if it is anything else."""
        try:
            return msgspec.json.decode(self.request.body, type=model)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise HTTPError(400, "The request is not valid: %s", error) from None

    async def ask(self, future: Future[ResultT]) -> ResultT:
        """The engine's answer; its refusals as HTTP errors."""
        with plain_refusals():
            return await asyncio.wrap_future(future)

    async def locate(self, path: str, action: str) -> str:
        """The absolute path that the caller means and may `read` or `write`."""
        if is_absolute(path):
            if not await self.may("execute", "kernels"):
                raise HTTPError(403, "Only who may run kernels may name an absolute path.")
            with plain_refusals():
                require_usable(path)
            return path
        if not await self.may(action, "contents"):
            raise HTTPError(403, f"You may not {action} files on this server.")
        with plain_refusals():
            return str(ServerRoot.of(self.contents_manager).locate(path))


class SessionHandler(RestHandler):
    """The session as a whole."""

    @authenticated
    @authorized
    async def get(self) -> None:
        status = await self.ask(self.app.host.status())
        self.answer(status)


class TransfersHandler(RestHandler):
    """All transfers, or with `?info_hash=` that one, as a list."""

    @authenticated
    @authorized
    async def get(self) -> None:
        transfers = await self.ask(self.app.host.transfers())
        wanted = self.get_query_argument("info_hash", None)
        self.answer([status for status in transfers if wanted in (None, status.info_hash)])


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
        request = msgspec.structs.replace(request, paths=paths)
        status = await self.ask(self.app.host.share(request))
        self.answer(status, 202)


class FetchHandler(RestHandler):
    """Begins a fetch; answers when it has begun."""

    _track_activity = True

    @authenticated
    @authorized
    async def post(self) -> None:
        body = self.read(FetchBody)
        link = await self._checked_link(body.link.strip())
        folder = await self.locate(body.folder or self.app.download_folder, "write")
        request = FetchRequest(
            link=link,
            folder=folder,
            trackers=body.trackers,
            peers=body.peers,
            select=body.select,
            seed_ratio=body.seed_ratio,
            seed_seconds=body.seed_seconds,
        )
        try:
            await asyncio.to_thread(os.makedirs, folder, exist_ok=True)
        except OSError as error:
            raise HTTPError(409, "There can be no folder %s: %s.", folder, error.strerror) from None
        status = await self.ask(self.app.host.fetch(request))
        self.answer(status, 202)

    async def _checked_link(self, link: str) -> str:
        """The link, if it is one; checked before anything is done for it."""
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


class TransferHandler(RestHandler):
    """One transfer with its files, peers and trackers; DELETE forgets it, `?data=true` with what it fetched."""

    @authenticated
    @authorized
    async def get(self, info_hash: str) -> None:
        details = await self.ask(self.app.host.details(info_hash.lower()))
        self.answer(details)

    @authenticated
    @authorized
    async def delete(self, info_hash: str) -> None:
        data = self.get_query_argument("data", "false")
        if data not in ("true", "false"):
            raise HTTPError(400, "data is true or false, not %r.", data)
        await self.ask(self.app.host.remove(info_hash.lower(), delete_data=data == "true"))
        self.set_status(204)
        self.finish()


class PauseHandler(RestHandler):
    """Stops all traffic of one transfer, or lets it go on; answers with the transfer as it is then."""

    @authenticated
    @authorized
    async def post(self, info_hash: str, action: str) -> None:
        host = self.app.host
        call = host.pause if action == "pause" else host.resume
        status = await self.ask(call(info_hash.lower()))
        self.answer(status)


class UnknownRouteHandler(RestHandler):
    """The rest of the API's namespace, so that a 404 from here is JSON too."""

    @authenticated
    @authorized
    async def get(self) -> None:
        raise HTTPError(404, "There is nothing at this address.")

    @authenticated
    @authorized
    async def post(self) -> None:
        raise HTTPError(404, "There is nothing at this address.")

    @authenticated
    @authorized
    async def delete(self) -> None:
        raise HTTPError(404, "There is nothing at this address.")


@contextlib.contextmanager
def plain_refusals() -> Iterator[None]:
    """Turn what a person can mend into an HTTP error that says so."""
    try:
        yield
    except TransferNotFoundError as error:
        raise HTTPError(404, "%s", error) from None
    except EngineError as error:
        raise HTTPError(409, "%s", error) from None
    except WebTorrentError as error:
        raise HTTPError(400, "%s", error) from None


ROUTES: list[tuple[str, type[RestHandler]]] = [
    (r"webtorrent/api/session", SessionHandler),
    (r"webtorrent/api/torrents", TransfersHandler),
    (r"webtorrent/api/torrents/([0-9a-fA-F]{40})", TransferHandler),
    (r"webtorrent/api/torrents/([0-9a-fA-F]{40})/(pause|resume)", PauseHandler),
    (r"webtorrent/api/share", ShareHandler),
    (r"webtorrent/api/fetch", FetchHandler),
]
FALLBACK_ROUTES: list[tuple[str, type[RestHandler]]] = [
    (r"webtorrent/api/.*", UnknownRouteHandler),
]
