"""The servers that help WebRTC peers find a way to each other, STUN and TURN, as their URLs name them.

Owns the reading (RFC 7064, RFC 7065) and keeps credentials out of every text; the servers are the net
layer's to ask.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, Self, TypeAlias
from urllib.parse import unquote

from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.identity import PeerAddress, is_host

TurnTransport: TypeAlias = Literal["udp", "tcp", "tls"]

MAX_URL_CHARACTERS = 2048
STUN_PORT, TLS_PORT = 3478, 5349

_PLACE = re.compile(r"(?P<host>[^:/?#@\[\]]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_TRANSPORTS: dict[tuple[str, str], TurnTransport] = {
    ("turn", ""): "udp",
    ("turn", "transport=udp"): "udp",
    ("turn", "transport=tcp"): "tcp",
    ("turns", ""): "tls",
    ("turns", "transport=tcp"): "tls",
}


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A server that relays for us (RFC 8656). Its credentials appear in no text made of it."""

    host: str
    port: int = STUN_PORT
    transport: TurnTransport = "udp"
    """How we reach it; what it relays is UDP in every case. `tls` is over TCP."""
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read `turn:user:password@host:port?transport=tcp`, or `turns:` for TLS; raises WebTorrentError.

        Credentials and port may be left out. A colon, at sign or percent sign in the user's name is
        percent-encoded, as in any URL. No message repeats the text: it may hold a password.
        """
        scheme, _, rest = text.partition(":") if len(text) <= MAX_URL_CHARACTERS else ("", "", "")
        credentials, at, rest = rest.rpartition("@")
        place, _, query = rest.partition("?")
        transport = _TRANSPORTS.get((scheme.lower(), query))
        default_port = TLS_PORT if transport == "tls" else STUN_PORT
        address = _address(place, default_port)
        username, colon, password = credentials.partition(":")
        is_bad_user = bool(at) and (not username or not colon or username.startswith("/"))
        if transport is None or address is None or is_bad_user:
            raise WebTorrentError(
                "not a TURN server: it should look like turn:USER:PASSWORD@HOST:PORT"
                " or turns:…, perhaps with ?transport=tcp"
            )
        return cls(
            address.host,
            address.port,
            transport,
            unquote(username) if at else None,
            unquote(password) if at else None,
        )

    def __str__(self) -> str:
        return f"TURN server {PeerAddress(self.host, self.port)}"


def stun_address(url: str) -> PeerAddress:
    """The host and port of a `stun:host:port` URL. Raises WebTorrentError if it cannot be read."""
    scheme, _, place = url.partition(":")
    address = _address(place, STUN_PORT)
    if scheme.lower() != "stun" or address is None:
        raise WebTorrentError(f"not a STUN server: {url[:100]} (should look like stun:host:3478)")
    return address


def _address(place: str, default_port: int) -> PeerAddress | None:
    match = _PLACE.fullmatch(place)
    if match is None:
        return None
    host, port = match["host"].strip("[]"), int(match["port"] or default_port)
    return PeerAddress(host, port) if is_host(host) and 0 < port < 1 << 16 else None
