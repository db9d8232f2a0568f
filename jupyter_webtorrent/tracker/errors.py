"""Why the embedded tracker did not start, or refused; each message is one line for a person."""

from __future__ import annotations

from jupyter_webtorrent.protocol.errors import WebTorrentError


class TrackerError(WebTorrentError):
    """The tracker cannot run as asked."""


class RefusedError(TrackerError):
    """The tracker is well but will not do what a peer asked: answer with the text as a failure."""
