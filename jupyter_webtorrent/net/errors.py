"""What goes wrong between machines; each message is one line for a person."""

from __future__ import annotations

from jupyter_webtorrent.protocol.errors import WebTorrentError


class NetError(WebTorrentError):
    """A connection could not be made or kept, or an address cannot be used."""
