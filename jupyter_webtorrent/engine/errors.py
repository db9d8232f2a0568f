"""Why the engine could not do what it was asked; each message is one line for a person."""

from jupyter_webtorrent.protocol.errors import WebTorrentError


class EngineError(WebTorrentError):
    """The engine refuses, or cannot go on."""


class TransferNotFoundError(EngineError):
    """There is no transfer with that info hash."""


class FileNotInTransferError(EngineError):
    """A transfer has no such file."""


class TooManyReadersError(EngineError):
    """As many files of a transfer are being read as may be."""


class FetchFailedError(EngineError):
    """A fetch ended without its data; the message says why."""
