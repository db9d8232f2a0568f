"""The UDP tracker protocol (BEP 15, with the URL of BEP 41): datagrams to values, and how long to wait for an answer.

The socket, connection ids and their age are left to `net.trackers.udp`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from jupyter_webtorrent.protocol.announce import (
    MAX_PEERS,
    UNKNOWN_LEFT,
    Event,
    SwarmCounts,
    TcpAnnounce,
    TcpAnnounceResponse,
    bounded_interval,
    reason_text,
)
from jupyter_webtorrent.protocol.compact import IPV4_BYTES, IPV6_BYTES, decode_ipv4, decode_ipv6
from jupyter_webtorrent.protocol.errors import TrackerMessageError
from jupyter_webtorrent.protocol.identity import InfoHash

CONNECTION_SECONDS: Final = 60.0
"""How long a connection id may be used."""
MAX_SCRAPED: Final = 74
"""Info hashes in one datagram."""
FIRST_TIMEOUT: Final = 15.0
MAX_ATTEMPT: Final = 8

_PROTOCOL_ID: Final = 0x41727101980
_HEADER: Final = struct.Struct(">II")
_CONNECT: Final = struct.Struct(">QII")
_CONNECT_REPLY: Final = struct.Struct(">IIQ")
_REQUEST: Final = struct.Struct(">QII")
_ANNOUNCE: Final = struct.Struct(">20s20sQQQIIIiH")
_ANNOUNCE_REPLY: Final = struct.Struct(">IIIII")
_COUNTS: Final = struct.Struct(">III")
_EVENTS: Final[dict[Event | None, int]] = {None: 0, "completed": 1, "started": 2, "stopped": 3}
_END_OF_OPTIONS, _URL_DATA = 0, 2
_MAX_OPTION_BYTES = 255


class _Action(IntEnum):
    CONNECT = 0
    ANNOUNCE = 1
    SCRAPE = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Connected:
    """The tracker knows us by `connection_id` for CONNECTION_SECONDS."""

    connection_id: int


@dataclass(frozen=True, slots=True)
class Scraped:
    """The counts of the swarms that were asked for, in that order."""

    counts: tuple[SwarmCounts, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The tracker will not, in one line."""

    reason: str


Reply: TypeAlias = Connected | TcpAnnounceResponse | Scraped | Refused


def response_timeout(attempt: int) -> float:
    """Seconds to wait for the answer to attempt 0, 1, …: 15 * 2^n, up to n = 8 (BEP 15)."""
    return FIRST_TIMEOUT * (1 << min(attempt, MAX_ATTEMPT))


def url_data(url: str) -> bytes:
    """What BEP 41 tells the tracker of its own URL: path and query."""
    parts = urlsplit(url)
    return (parts.path + (f"?{parts.query}" if parts.query else "")).encode()


def encode_connect(transaction_id: int) -> bytes:
    return _CONNECT.pack(_PROTOCOL_ID, _Action.CONNECT, transaction_id)


def encode_announce(
    connection_id: int, transaction_id: int, announce: TcpAnnounce, url_data: bytes = b""
) -> bytes:
    """An announce; `url_data` goes along as options in pieces of 255 bytes."""
    fixed = _ANNOUNCE.pack(
        announce.info_hash.digest,
        announce.peer_id.raw,
        announce.downloaded,
        UNKNOWN_LEFT if announce.left is None else announce.left,
        announce.uploaded,
        _EVENTS[announce.event],
        0,  # our address: the one this is sent from
        announce.key,
        announce.numwant,
        announce.port,
    )
    options = bytearray()
    for start in range(0, len(url_data), _MAX_OPTION_BYTES):
        piece = url_data[start : start + _MAX_OPTION_BYTES]
        options += bytes((_URL_DATA, len(piece))) + piece
    if options:
        options.append(_END_OF_OPTIONS)
    return _REQUEST.pack(connection_id, _Action.ANNOUNCE, transaction_id) + fixed + options


def encode_scrape(
    connection_id: int, transaction_id: int, info_hashes: Sequence[InfoHash]
) -> bytes:
    """A scrape of at most MAX_SCRAPED torrents; raises TrackerMessageError for more."""
    if len(info_hashes) > MAX_SCRAPED:
        raise TrackerMessageError(f"{len(info_hashes)} info hashes in a scrape, over {MAX_SCRAPED}")
    header = _REQUEST.pack(connection_id, _Action.SCRAPE, transaction_id)
    return header + b"".join(info_hash.digest for info_hash in info_hashes)


def parse_reply(data: bytes, *, ipv6: bool) -> tuple[int, Reply]:
    """The transaction id of a datagram and what it says; raises TrackerMessageError.

    The form of the peers follows from the socket's family, `ipv6` or not.
    """
    if len(data) < _HEADER.size:
        raise TrackerMessageError(f"a datagram of {len(data)} bytes is no reply")
    action, transaction_id = _HEADER.unpack_from(data)
    match action:
        case _Action.CONNECT if len(data) >= _CONNECT_REPLY.size:
            return transaction_id, Connected(_CONNECT_REPLY.unpack_from(data)[2])
        case _Action.ANNOUNCE if len(data) >= _ANNOUNCE_REPLY.size:
            return transaction_id, _announced(data, ipv6=ipv6)
        case _Action.SCRAPE:
            end = min(len(data), _HEADER.size + MAX_SCRAPED * _COUNTS.size)
            whole = range(_HEADER.size, end - _COUNTS.size + 1, _COUNTS.size)
            return transaction_id, Scraped(tuple(_counts(data, start) for start in whole))
        case _Action.ERROR:
            reason = reason_text(data[_HEADER.size :]) or "it does not say why"
            return transaction_id, Refused(f"the tracker refused: {reason}")
    raise TrackerMessageError(f"a datagram of {len(data)} bytes with action {action} is no reply")


def _announced(data: bytes, *, ipv6: bool) -> TcpAnnounceResponse:
    _, _, interval, leechers, seeders = _ANNOUNCE_REPLY.unpack_from(data)
    addresses = data[_ANNOUNCE_REPLY.size :]
    size, decode = (IPV6_BYTES, decode_ipv6) if ipv6 else (IPV4_BYTES, decode_ipv4)
    # A datagram that was cut short still holds whole addresses.
    whole = addresses[: len(addresses) // size * size]
    return TcpAnnounceResponse(
        interval=bounded_interval(interval),
        complete=seeders,
        incomplete=leechers,
        peers=tuple(dict.fromkeys(decode(whole, MAX_PEERS))),
    )


def _counts(data: bytes, start: int) -> SwarmCounts:
    seeders, completed, leechers = _COUNTS.unpack_from(data, start)
    return SwarmCounts(complete=seeders, incomplete=leechers, downloaded=completed)
