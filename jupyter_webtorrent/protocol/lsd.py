"""Local service discovery's one message: torrents that somebody on this network has (BEP 14)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from jupyter_webtorrent.protocol.errors import MagnetError, ProtocolError
from jupyter_webtorrent.protocol.identity import InfoHash

GROUP_IPV4 = "239.192.152.143"
GROUP_IPV6 = "ff15::efc0:988f"
PORT = 6771

MAX_MESSAGE_BYTES = 1400
MAX_INFO_HASHES = 20
"""In one message: the other headers and 20 hashes fit into 1,400 bytes."""

_START = b"BT-SEARCH * HTTP/1.1\r\n"
_COOKIE = re.compile(r"[!-~]{1,64}")


class LocalAnnounce(Struct, frozen=True):
    """The sender takes peers of these torrents on `port`; `cookie` is its own, to know itself by."""

    port: int
    info_hashes: tuple[InfoHash, ...]
    cookie: str = ""

    def encode(self, group: str) -> bytes:
        """The message for a multicast group's host."""
        host = f"[{group}]" if ":" in group else group
        lines: Sequence[str] = [
            f"Host: {host}:{PORT}",
            f"Port: {self.port}",
            *(f"Infohash: {info_hash}" for info_hash in self.info_hashes),
            f"cookie: {self.cookie}",
        ]
        return _START + "\r\n".join(lines).encode("ascii") + b"\r\n\r\n\r\n"

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a message; headers and hashes that are not understood are skipped. Raises ProtocolError."""
        if len(data) > MAX_MESSAGE_BYTES or not data.startswith(_START):
            raise ProtocolError("not a local announce")
        port, cookie = 0, ""
        info_hashes: dict[InfoHash, None] = {}
        for line in data[len(_START) :].decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            value = value.strip()
            match name.strip().lower():
                case "port" if value.isascii() and value.isdigit() and len(value) <= 5:
                    port = int(value)
                case "infohash" if len(info_hashes) < MAX_INFO_HASHES and len(value) == 40:
                    try:
                        info_hashes[InfoHash.from_text(value)] = None
                    except MagnetError:
                        continue
                case "cookie" if _COOKIE.fullmatch(value):
                    cookie = value
        if not 1 <= port <= 65535:
            raise ProtocolError("a local announce without a port")
        return cls(port, tuple(info_hashes), cookie)
