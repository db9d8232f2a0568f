"""What can go wrong between a notebook and its server; each message is one line for a person."""

from __future__ import annotations

from jupyter_webtorrent.protocol.errors import WebTorrentError


class ServerUnavailableError(WebTorrentError):
    """No Jupyter server with jupyter_webtorrent answers this kernel."""


class NoServerError(ServerUnavailableError):
    """There is no Jupyter server beside this kernel, or it runs without jupyter_webtorrent."""


class NoAnswerError(ServerUnavailableError):
    """The server does not answer now: it may, a little later."""


class RequestRefusedError(WebTorrentError):
    """The server understood, and refuses; the message is the server's own."""


class TransferFailedError(WebTorrentError):
    """A transfer ended without its data, or is no longer there."""


class TransferCancelledError(WebTorrentError):
    """A person pressed Cancel; what came so far is kept, and so is a transfer that somebody else began."""


class TransferTimeoutError(WebTorrentError, TimeoutError):
    """A wait was longer than it was allowed to be; the transfer goes on."""
