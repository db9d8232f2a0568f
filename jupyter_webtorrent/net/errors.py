"""What goes wrong between machines; each message is one line for a person."""

from __future__ import annotations

from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.failures import FailureCode


class NetError(WebTorrentError):
    """A connection could not be made or kept, or an address cannot be used."""


class ConnectError(NetError):
    """An attempt to connect to a peer came to nothing; `code` says at which step."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code
