"""The payload of ut_pex: which peers somebody is connected to since they last told (BEP 11)."""

from __future__ import annotations

from typing import Self

from msgspec import Struct

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.compact import decode_ipv4, decode_ipv6, encode_addresses
from jupyter_webtorrent.protocol.errors import BencodeError, ProtocolError
from jupyter_webtorrent.protocol.identity import PeerAddress

MAX_PEERS = 50
"""Added, and again dropped, in one message."""


class PexMessage(Struct, frozen=True):
    """Peers that came and peers that went; flags of the added ones are neither sent nor read."""

    added: tuple[PeerAddress, ...] = ()
    dropped: tuple[PeerAddress, ...] = ()

    def encode(self) -> bytes:
        """The payload; peers that have no compact form are left out."""
        added, added6 = encode_addresses(self.added)
        dropped, dropped6 = encode_addresses(self.dropped)
        return bencode.encode(
            {
                b"added": added,
                b"added.f": bytes(len(added) // 6),
                b"added6": added6,
                b"added6.f": bytes(len(added6) // 18),
                b"dropped": dropped,
                b"dropped6": dropped6,
            }
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Read a payload, at most MAX_PEERS of each kind; raises ProtocolError."""
        try:
            fields = bencode.decode(payload)
        except BencodeError as error:
            raise ProtocolError(f"a ut_pex message is not bencoded: {error}") from error
        if not isinstance(fields, dict):
            raise ProtocolError("a ut_pex message is not a dictionary")
        return cls(
            added=_peers(fields.get(b"added"), fields.get(b"added6")),
            dropped=_peers(fields.get(b"dropped"), fields.get(b"dropped6")),
        )


def _peers(ipv4: bencode.Value | None, ipv6: bencode.Value | None) -> tuple[PeerAddress, ...]:
    found: list[PeerAddress] = []
    if isinstance(ipv4, bytes):
        found += decode_ipv4(ipv4, MAX_PEERS)
    if isinstance(ipv6, bytes):
        found += decode_ipv6(ipv6, MAX_PEERS)
    return tuple(dict.fromkeys(found))[:MAX_PEERS]
