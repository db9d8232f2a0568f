"""What the handlers of the HTTP API share: who may ask, how a request is read, an answer and a refusal written.

Every refusal is `{"message": one line}`. Which files a path may mean is `paths`' rule; the routes are in `rest`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import Future
from http.client import responses
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.extension.handler import ExtensionHandlerMixin
from tornado.web import HTTPError, RequestHandler, authenticated

from jupyter_webtorrent.engine.errors import (
    EngineError,
    FileNotInTransferError,
    TooManyReadersError,
    TransferNotFoundError,
)
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.discovery import NOT_LOGGED_IN
from jupyter_webtorrent.server.paths import ServerRoot, is_absolute, require_usable
from jupyter_webtorrent.server.waiting import NotComingError

if TYPE_CHECKING:
    from jupyter_webtorrent.engine.host import EngineHost
    from jupyter_webtorrent.server.extension import WebTorrentApp

AUTH_RESOURCE = "webtorrent"
MAX_BODY_BYTES = 1 << 20
NOTHING_HERE = "There is nothing at this address."

RequestT = TypeVar("RequestT", bound=msgspec.Struct)
ResultT = TypeVar("ResultT")


class WebTorrentHandler(ExtensionHandlerMixin, JupyterHandler):
    """What REST and WebSocket handlers share: the extension, who may ask, and how a refusal is written."""

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

    async def engine(self) -> EngineHost:
        """The engine; who asks first waits for it, and nobody else."""
        await self.app.load_engine()
        self.require_up()
        return self.app.host

    def require_up(self) -> None:
        """A 503 once the server goes down, for then no engine may be started any more."""
        if self.app.stopped:
            raise HTTPError(503, "This Jupyter server is shutting down.")

    async def may(self, action: str, resource: str) -> bool:
        """Whether Jupyter's authorizer lets this caller do `action` to `resource`."""
        return await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, action, resource)
        )

    def check_xsrf_cookie(self) -> None:
        """As Jupyter does; but who is not logged in is told that, and not of a cookie."""
        try:
            super().check_xsrf_cookie()
        except HTTPError:
            if self.current_user is None:
                raise HTTPError(403, NOT_LOGGED_IN) from None
            raise

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """As tornado does, but without the query: it may hold a token."""
        asked = f"{self.request.method} {self.request.path}"
        if not isinstance(value, HTTPError):
            self.log.error("%s has failed", asked, exc_info=value)
        elif value.log_message:
            self.log.warning(
                "%d %s: %s", value.status_code, asked, one_line(value.log_message % value.args)
            )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        message = responses.get(status_code, "Unknown error")
        if isinstance(error, HTTPError):
            if error.log_message:
                message = error.log_message % error.args
            elif status_code == 403:
                message = NOT_LOGGED_IN
        elif error is not None:
            message = "The server could not do this; its log says why."
        if status_code == 405:
            self.set_header("Allow", ", ".join(self._verbs()))
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode({"message": one_line(message)}))

    @classmethod
    def _verbs(cls) -> list[str]:
        """What can be asked of this address."""
        return [
            verb
            for verb in cls.SUPPORTED_METHODS
            if getattr(cls, verb.lower()) is not getattr(RequestHandler, verb.lower())
        ]


class RestHandler(WebTorrentHandler, APIHandler):
    """Reads requests, asks the engine, writes answers."""

    _track_activity = False  # panels and kernels poll: they must not keep an idle server alive
    max_body_bytes = MAX_BODY_BYTES

    async def prepare(self) -> None:  # type: ignore[override]
        await super().prepare()
        self.require_up()
        if len(self.request.body) > self.max_body_bytes:
            raise HTTPError(413, f"This request may have {self.max_body_bytes:,} bytes.")

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


class UnknownRouteHandler(RestHandler):
    """The rest of the API's namespace, so that a 404 from here is JSON too."""

    @authenticated
    @authorized
    async def get(self) -> None:
        raise HTTPError(404, NOTHING_HERE)

    @authenticated
    @authorized
    async def head(self) -> None:
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


@contextlib.contextmanager
def plain_refusals() -> Iterator[None]:
    """Turn what a person can mend into an HTTP error that says so."""
    try:
        yield
    except (TransferNotFoundError, FileNotInTransferError) as error:
        raise HTTPError(404, "%s", error) from None
    except (TooManyReadersError, NotComingError) as error:
        raise HTTPError(503, "%s", error) from None
    except EngineError as error:
        raise HTTPError(409, "%s", error) from None
    except WebTorrentError as error:
        raise HTTPError(400, "%s", error) from None
