"""Who and what a swarm is about: info hashes, peer ids and addresses, as values checked at the border."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from jupyter_webtorrent.protocol.errors import MagnetError, WebTorrentError

CLIENT_PREFIX = b"-JW0010-"
"""How our peer ids begin (BEP 20, Azureus style)."""


@dataclass(frozen=True, slots=True, order=True)
class InfoHash:
    """The SHA-1 of a torrent's bencoded info dictionary: 20 bytes (BEP 3)."""

    digest: bytes

    def __post_init__(self) -> None:
        if len(self.digest) != 20:
            raise ValueError(f"an info hash is 20 bytes, not {len(self.digest)}")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read 40 hexadecimal or 32 base32 characters (BEP 9); raises MagnetError."""
        try:
            if len(text) == 40:
                return cls(binascii.unhexlify(text))
            if len(text) == 32:
                return cls(base64.b32decode(text.upper()))
        except (ValueError, binascii.Error):
            raise MagnetError(f"not a hexadecimal or base32 info hash: {text!r}") from None
        raise MagnetError(
            f"an info hash is 40 hexadecimal or 32 base32 characters, not {len(text)}"
        )

    def __str__(self) -> str:
        return self.digest.hex()


@dataclass(frozen=True, slots=True, order=True)
class PeerId:
    """The 20 bytes a peer names itself by (BEP 3, BEP 20)."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 20:
            raise ValueError(f"a peer id is 20 bytes, not {len(self.raw)}")

    @classmethod
    def ours(cls, random: bytes) -> Self:
        """Our client's prefix and 12 random bytes."""
        return cls(CLIENT_PREFIX + random)

    def __str__(self) -> str:
        return "".join(chr(byte) if 32 < byte < 127 else "." for byte in self.raw)


@dataclass(frozen=True, slots=True, order=True)
class PeerAddress:
    """Where a TCP peer listens: a host (IPv4, IPv6 or a name) and a port from 1 to 65535."""

    host: str
    port: int

    @classmethod
    def from_text(cls, text: str, *, allow_any_port: bool = False) -> Self:
        """Read `host:port` or `[ipv6]:port`; raises WebTorrentError. Port 0 only where it means "any"."""
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise WebTorrentError(f"an IPv6 address needs brackets, as in [::1]:6881: {text!r}")
        lowest = 0 if allow_any_port else 1
        if not (colon and host and port.isascii() and port.isdigit() and len(port) <= 5):
            raise WebTorrentError(f"an address is HOST:PORT, not {text!r}")
        if not lowest <= int(port) <= 65535:
            raise WebTorrentError(f"a port is {lowest} to 65535, not {port}")
        if not is_host(host):
            raise WebTorrentError(f"an address is HOST:PORT, not {text!r}")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_host(text: str) -> bool:
    """Whether a name or IP address is fit to be looked up: getaddrinfo raises UnicodeError for some that are not."""
    if not 0 < len(text) <= 253 or not text.isprintable() or any(mark in text for mark in " /@?#"):
        return False
    try:
        text.encode("idna")
    except UnicodeError:
        return False
    return True
