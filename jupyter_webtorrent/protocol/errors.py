"""The errors of the protocol layer: each message is one line for a person, with the number in it."""


class WebTorrentError(Exception):
    """The root of every error this package raises on purpose; its text can be shown as it is."""


class BencodeError(WebTorrentError):
    """Bytes that are not bencode (BEP 3), or that are over a limit."""


class MetainfoError(WebTorrentError):
    """A .torrent file or an info dictionary that is not valid, not safe or not supported."""


class MagnetError(WebTorrentError):
    """A magnet link or info hash that cannot be read (BEP 9, BEP 53)."""


class TrackerMessageError(WebTorrentError):
    """A tracker message that is not valid; answer or drop it, and keep the socket's other work going."""


class ProtocolError(WebTorrentError):
    """The peer broke the rules: close its connection."""
