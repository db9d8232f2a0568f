"""Asks the Jupyter server's API, from the kernel: synchronous, and with the standard library alone.

Raises one-line errors; no token and no local variable that holds one leaves this module.
"""

from __future__ import annotations

import functools
import http.client
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import msgspec

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.discovery import NO_SERVER, ServerAddress, find_server
from jupyter_webtorrent.kernel.errors import (
    NoAnswerError,
    NoServerError,
    RequestRefusedError,
    ServerUnavailableError,
    TransferFailedError,
)
from jupyter_webtorrent.kernel.local import local_access
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.discovery import API_PATH, NOT_LOGGED_IN, STREAM_PATH
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    SessionStatus,
    ShareRequest,
    TransferChange,
    TransferDetails,
    TransferState,
    TransferStatus,
)

REQUEST_TIMEOUT = 30.0
"""Seconds without an answer."""
READ_PATIENCE = 86_400
"""Seconds that a read of a file waits for its bytes; the server lets browsers wait for a few only."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

ValueT = TypeVar("ValueT")


class _Refusal(msgspec.Struct):
    message: str


class _CutShortError(NoAnswerError):
    """An answer ended before its end."""


class _Secret(str):
    """A header value that does not show in a traceback's list of local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class Client:
    """One server's API. Every call opens a connection of its own and may come from any thread."""

    def __init__(self, address: ServerAddress, *, timeout: float = REQUEST_TIMEOUT) -> None:
        self.address = address
        self.place = "this Jupyter server"
        self._timeout = timeout

    def session(self) -> SessionStatus:
        return self._read(SessionStatus, self._send("GET", "session"))

    def transfers(self) -> list[TransferStatus]:
        return self._read(list[TransferStatus], self._send("GET", "torrents"))

    def transfer(self, info_hash: str) -> TransferStatus:
        """One transfer as it is now; TransferFailedError if it has been removed."""
        query = urlencode({"info_hash": info_hash})
        found = self._read(list[TransferStatus], self._send("GET", f"torrents?{query}"))
        if not found:
            raise TransferFailedError(f"The transfer {info_hash} is no longer there.")
        return found[0]

    def details(self, info_hash: str) -> TransferDetails:
        return self._read(TransferDetails, self._send("GET", f"torrents/{info_hash}"))

    def share(self, request: ShareRequest) -> TransferStatus:
        """Begin a share; returns when its magnet link is known, after hashing, however long that takes."""
        return self._read(TransferStatus, self._send("POST", "share", request, patient=True))

    def fetch(self, request: FetchRequest) -> TransferStatus:
        """Begin a fetch; returns when it has begun."""
        return self._read(TransferStatus, self._send("POST", "fetch", request))

    def change(self, info_hash: str, change: TransferChange) -> TransferDetails:
        return self._read(TransferDetails, self._send("PATCH", f"torrents/{info_hash}", change))

    def pause(self, info_hash: str) -> TransferStatus:
        return self._read(TransferStatus, self._send("POST", f"torrents/{info_hash}/pause"))

    def resume(self, info_hash: str) -> TransferStatus:
        return self._read(TransferStatus, self._send("POST", f"torrents/{info_hash}/resume"))

    def remove(
        self, info_hash: str, *, delete_data: bool = False, only_on_demand: bool = False
    ) -> None:
        options = {"data": delete_data, "on_demand": only_on_demand}
        query = urlencode({name: "true" for name, wanted in options.items() if wanted})
        self._send("DELETE", f"torrents/{info_hash}{query and '?'}{query}")

    def metainfo(self, info_hash: str) -> bytes:
        """The .torrent file."""
        return self._send("GET", f"torrents/{info_hash}/metainfo")

    def read(self, info_hash: str, file: str, offset: int, length: int) -> bytes:
        """Bytes of a file by its path in the torrent, as soon as they are here; fewer only at its end."""
        if length <= 0:
            return b""
        byte_range = f"bytes={offset}-{offset + length - 1}"
        headers = {"Range": byte_range, "Prefer": f"wait={READ_PATIENCE}"}
        try:
            return self._send(
                "GET", self.stream_url(info_hash, file), headers=headers, patient=True
            )
        except _CutShortError:  # all that a stream can say once it has begun
            status = self.transfer(info_hash)
            name = text.name_of(status)
            if status.state is TransferState.PAUSED:
                raise RequestRefusedError(
                    f"{name} was paused before all that was to be read of it had come: resume it first."
                ) from None
            raise NoAnswerError(
                f"{name} could not be read to the end, for {self.place} broke off: read it again."
            ) from None

    def stream_url(self, info_hash: str, file: str) -> str:
        """Where a browser reads a file as it arrives, without host and token."""
        base = urlsplit(self.address.url).path.removesuffix(API_PATH)
        # Whoever normalises the URL would take a stranger's `..` for a way out of it.
        has_dots = any(part in (".", "..") for part in file.split("/"))
        return f"{base}{STREAM_PATH}{info_hash}/{quote(file, safe='' if has_dots else '/')}"

    def _send(
        self,
        method: str,
        path: str,
        body: msgspec.Struct | None = None,
        *,
        headers: Mapping[str, str] = NO_HEADERS,
        patient: bool = False,
    ) -> bytes:
        """The content of a successful answer; anything else is raised."""
        content = None if body is None else _encode(body)
        url = urlsplit(self.address.url)
        connection = self._connect(url, None if patient else self._timeout)
        try:
            connection.request(
                method,
                path if path.startswith("/") else url.path + path,
                body=content,
                headers={
                    **headers,
                    "Authorization": _Secret(f"token {self.address.token}"),
                    "Content-Type": "application/json",
                },
            )
            response = connection.getresponse()
            status, answer = response.status, response.read()
        except TimeoutError:
            raise NoAnswerError(
                f"The Jupyter server at {self.address.url} takes too long to answer."
            ) from None
        except ssl.SSLError as error:
            raise ServerUnavailableError(f"{NO_SERVER} ({_reason(error)})") from None
        except http.client.IncompleteRead as error:
            raise _CutShortError(f"{NO_SERVER} ({_reason(error)})") from None
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError(f"{NO_SERVER} ({_reason(error)})") from None
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise self._refusal(status, answer)
        return answer

    def _connect(self, url: SplitResult, timeout: float | None) -> http.client.HTTPConnection:
        if url.scheme == "http" and url.hostname:
            return http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
        if url.scheme == "https" and url.hostname:
            context = _tls_context(self.address.certificate)
            return http.client.HTTPSConnection(
                url.hostname, url.port, timeout=timeout, context=context
            )
        raise ServerUnavailableError(
            f"A kernel can reach its Jupyter server by http or https, not at {self.address.url}."
        )

    def _refusal(self, status: int, content: bytes) -> WebTorrentError:
        try:
            message = msgspec.json.decode(content, type=_Refusal).message
        except (msgspec.DecodeError, UnicodeDecodeError):
            if status == 404:
                return NoServerError(
                    f"The Jupyter server at {self.address.url} runs without jupyter_webtorrent: "
                    "install it there, and restart that server."
                )
            message = http.client.responses.get(status, "unknown error")
        if status == 403 and message in ("Forbidden", NOT_LOGGED_IN):
            message = "it does not know this kernel's token. Restart the kernel from that server"
        if status in (401, 403, 500, 502, 503, 504):
            kind = NoAnswerError if status in (502, 503, 504) else ServerUnavailableError
            return kind(f"The Jupyter server at {self.address.url} refuses: {message}")
        return RequestRefusedError(message)

    def _read(self, model: type[ValueT], content: bytes) -> ValueT:
        try:
            return msgspec.json.decode(content, type=model)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ServerUnavailableError(
                f"What answers at {self.address.url} is not this version of jupyter_webtorrent."
            ) from None


def connect() -> Access:
    """The engine of the Jupyter server beside this kernel, or else one inside the kernel.

    A server that has the extension and does not answer is no reason for a second engine: ServerUnavailableError.
    """
    try:
        address = find_server()
    except NoServerError:
        return local_access()
    return _client_of(address) if _has_extension(address) else local_access()


@functools.cache
def _has_extension(address: ServerAddress) -> bool:
    if not address.published:
        try:
            _client_of(address).session()
        except NoServerError:
            return False
    return True


@functools.cache
def _client_of(address: ServerAddress) -> Client:
    return Client(address)


def _tls_context(certificate: str | None) -> ssl.SSLContext:
    if certificate is None:
        return ssl.create_default_context()
    # The server's own certificate is pinned, so that a self-signed one is enough and its names do not matter.
    try:
        context = ssl.create_default_context(cafile=certificate)
    except OSError as error:
        raise ServerUnavailableError(
            f"The server's certificate {certificate} cannot be read: {_reason(error)}."
        ) from None
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _encode(body: msgspec.Struct) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError as error:  # such as a file name that is not UTF-8
        raise RequestRefusedError(
            f"{error.object[:100]!r} is not valid Unicode, and cannot be sent to the server."
        ) from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
