"""HTTP announces and scrapes (BEP 3, 7, 23, 24, 48): URLs and bencoded replies to values, and back for the server.

Queries are read and written as raw bytes, since an info hash is any 20 bytes. Asking, and whom, is left to
`net.trackers.http` and `tracker`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Final, get_args
from urllib.parse import quote, unquote_to_bytes, urlsplit, urlunsplit

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.announce import (
    DEFAULT_NUMWANT,
    MAX_PEERS,
    MAX_SCRAPE_HASHES,
    UNKNOWN_LEFT,
    Event,
    SwarmCounts,
    TcpAnnounce,
    TcpAnnounceResponse,
    bounded_interval,
    reason_text,
)
from jupyter_webtorrent.protocol.bencode import Value
from jupyter_webtorrent.protocol.compact import decode_ipv4, decode_ipv6, encode_addresses
from jupyter_webtorrent.protocol.errors import BencodeError, ProtocolError, TrackerMessageError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId

MAX_REPLY_BYTES: Final = 1 << 20
MAX_QUERY_BYTES: Final = 8192
DEFAULT_INTERVAL: Final = 1800
"""Seconds, for a tracker that does not say."""

_MAX_PARAMETERS: Final = 200
_MAX_TRACKER_ID_BYTES: Final = 200
_MAX_COUNT: Final = (1 << 63) - 1
_EVENTS: Final[dict[bytes, Event]] = {event.encode(): event for event in get_args(Event)}


class TrackerFailureError(TrackerMessageError):
    """The tracker understood and refused; the text is its own reason."""


# The client's side


def announce_url(url: str, announce: TcpAnnounce) -> str:
    """The URL to ask for (BEP 3), without the fragment that `url` may have."""
    parameters = {
        "info_hash": announce.info_hash.digest,
        "peer_id": announce.peer_id.raw,
        "port": announce.port,
        "uploaded": announce.uploaded,
        "downloaded": announce.downloaded,
        "left": UNKNOWN_LEFT if announce.left is None else announce.left,
        "compact": 1,
        "numwant": announce.numwant,
        "key": f"{announce.key:08X}",
    }
    if announce.event is not None:
        parameters["event"] = announce.event
    if announce.tracker_id:
        parameters["trackerid"] = announce.tracker_id
    return _with_query(url, parameters.items())


def scrape_url(url: str, info_hash: InfoHash) -> str | None:
    """The URL that asks for a swarm's counts; None for a tracker whose URL has no such form (BEP 48)."""
    parts = urlsplit(url)
    folder, slash, name = parts.path.rpartition("/")
    if not name.startswith("announce"):
        return None
    path = folder + slash + name.replace("announce", "scrape", 1)
    return _with_query(urlunsplit(parts._replace(path=path)), [("info_hash", info_hash.digest)])


def parse_announce_response(body: bytes) -> TcpAnnounceResponse:
    """Read a tracker's reply: compact peers, or dictionaries of which those with an IP address are taken.

    Raises TrackerFailureError if the tracker refused, TrackerMessageError if the reply cannot be read.
    """
    values = _decode(body)
    interval, min_interval = _count(values, b"interval"), _count(values, b"min interval")
    if interval is None:
        interval = DEFAULT_INTERVAL if min_interval is None else min_interval
    warning, tracker_id = values.get(b"warning message"), values.get(b"tracker id")
    if not isinstance(tracker_id, bytes) or len(tracker_id) > _MAX_TRACKER_ID_BYTES:
        tracker_id = b""
    return TcpAnnounceResponse(
        interval=bounded_interval(interval),
        min_interval=None if min_interval is None else bounded_interval(min_interval),
        complete=_count(values, b"complete"),
        incomplete=_count(values, b"incomplete"),
        peers=_peers(values),
        warning=reason_text(warning) if isinstance(warning, bytes) else "",
        tracker_id=tracker_id,
        external_ip=_external_ip(values.get(b"external ip")),
    )


def parse_scrape_response(body: bytes, info_hash: InfoHash) -> SwarmCounts:
    """The counts of one swarm; raises as `parse_announce_response` does, also if they are not there."""
    files = _decode(body).get(b"files")
    counts = files.get(info_hash.digest) if isinstance(files, dict) else None
    if not isinstance(counts, dict):
        raise TrackerMessageError("the scrape does not name the torrent")
    return SwarmCounts(
        _count(counts, b"complete") or 0,
        _count(counts, b"incomplete") or 0,
        _count(counts, b"downloaded") or 0,
    )


# The server's side


def parse_announce(query: str) -> TcpAnnounce:
    """Read a query as it stood in the request line; raises TrackerMessageError.

    An `ip` is ignored: anyone could name anybody's. So are unknown parameters and events.
    """
    found = _parameters(query)
    numwant = _number(found, "numwant", DEFAULT_NUMWANT)
    port = _number(found, "port", 0)
    if not 1 <= port <= 65535:
        raise TrackerMessageError("port is not 1 to 65535")
    return TcpAnnounce(
        info_hash=InfoHash(_twenty_bytes(found, "info_hash")),
        peer_id=PeerId(_twenty_bytes(found, "peer_id")),
        port=port,
        uploaded=_number(found, "uploaded", 0),
        downloaded=_number(found, "downloaded", 0),
        left=_number(found, "left", 0) if "left" in found else None,
        event=_EVENTS.get(found.get("event", [b""])[0]),
        numwant=min(numwant, MAX_PEERS),
    )


def parse_scrape(query: str) -> tuple[InfoHash, ...]:
    """The 1 to MAX_SCRAPE_HASHES torrents that a scrape names; raises TrackerMessageError."""
    hashes = _parameters(query).get("info_hash", [])
    if not 0 < len(hashes) <= MAX_SCRAPE_HASHES:
        raise TrackerMessageError(
            f"a scrape names 1 to {MAX_SCRAPE_HASHES} info hashes, not {len(hashes)}"
        )
    if any(len(digest) != 20 for digest in hashes):
        raise TrackerMessageError("info_hash is not 20 bytes")
    return tuple(map(InfoHash, hashes))


def encode_announce_response(response: TcpAnnounceResponse) -> bytes:
    """A reply with compact peers, which all clients of today read."""
    peers, peers6 = encode_addresses(response.peers)
    values: dict[str, bencode.Encodable] = {"interval": round(response.interval), "peers": peers}
    if response.min_interval is not None:
        values["min interval"] = round(response.min_interval)
    if response.complete is not None:
        values["complete"] = response.complete
    if response.incomplete is not None:
        values["incomplete"] = response.incomplete
    if peers6:
        values["peers6"] = peers6
    if response.external_ip is not None:
        values["external ip"] = ip_address(response.external_ip).packed
    return bencode.encode(values)


def encode_scrape_response(swarms: Mapping[InfoHash, SwarmCounts]) -> bytes:
    return bencode.encode(
        {
            "files": {
                info_hash.digest: {
                    "complete": counts.complete,
                    "downloaded": counts.downloaded,
                    "incomplete": counts.incomplete,
                }
                for info_hash, counts in swarms.items()
            }
        }
    )


def encode_failure(reason: str) -> bytes:
    return bencode.encode({"failure reason": reason})


def _with_query(url: str, parameters: Iterable[tuple[str, object]]) -> str:
    url, _, _ = url.partition("#")
    query = "&".join(
        f"{name}={quote(value if isinstance(value, bytes) else str(value), safe='')}"
        for name, value in parameters
    )
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _decode(body: bytes) -> dict[bytes, Value]:
    if len(body) > MAX_REPLY_BYTES:
        raise TrackerMessageError(f"a reply over {MAX_REPLY_BYTES:,} bytes")
    try:
        # Some trackers end the reply with a line break.
        values, _ = bencode.decode_prefix(body)
    except BencodeError:
        raise TrackerMessageError("its reply is not bencode") from None
    if not isinstance(values, dict):
        raise TrackerMessageError("its reply is not a dictionary")
    failure = values.get(b"failure reason")
    if failure is not None:
        text = reason_text(failure) if isinstance(failure, bytes) else ""
        raise TrackerFailureError(f"the tracker refused: {text or 'it does not say why'}")
    return values


def _count(values: Mapping[bytes, Value], name: bytes) -> int | None:
    value = values.get(name)
    return value if isinstance(value, int) and 0 <= value <= _MAX_COUNT else None


def _peers(values: Mapping[bytes, Value]) -> tuple[PeerAddress, ...]:
    found: list[PeerAddress] = []
    for name, decode in ((b"peers", decode_ipv4), (b"peers6", decode_ipv6)):
        peers = values.get(name, b"")
        if isinstance(peers, bytes):
            try:
                found += decode(peers, MAX_PEERS)
            except ProtocolError as error:
                raise TrackerMessageError(f"its peers cannot be read: {error}") from None
        elif isinstance(peers, list):
            found += filter(None, map(_peer, peers[:MAX_PEERS]))
        else:
            raise TrackerMessageError("its peers are neither a string nor a list")
    return tuple(dict.fromkeys(found))[:MAX_PEERS]


def _peer(entry: Value) -> PeerAddress | None:
    """A peer written as a dictionary; None without an IP address: no name that a stranger gives is looked up."""
    if not isinstance(entry, dict):
        return None
    host, port = entry.get(b"ip"), entry.get(b"port")
    if not isinstance(host, bytes) or not isinstance(port, int) or not 1 <= port <= 65535:
        return None
    try:
        return PeerAddress(str(ip_address(host.decode("ascii"))), port)
    except ValueError:
        return None


def _external_ip(raw: Value | None) -> str | None:
    try:
        return str(ip_address(raw)) if isinstance(raw, bytes) else None
    except ValueError:
        return None


def _parameters(query: str) -> dict[str, list[bytes]]:
    if len(query) > MAX_QUERY_BYTES:
        raise TrackerMessageError(f"a query over {MAX_QUERY_BYTES:,} characters")
    parts = query.split("&", _MAX_PARAMETERS)
    if len(parts) > _MAX_PARAMETERS:
        raise TrackerMessageError(f"over {_MAX_PARAMETERS} parameters")
    found: dict[str, list[bytes]] = {}
    for part in parts:
        name, _, value = part.partition("=")
        found.setdefault(name, []).append(
            unquote_to_bytes(value.encode("utf-8", "surrogateescape"))
        )
    return found


def _twenty_bytes(found: Mapping[str, list[bytes]], name: str) -> bytes:
    values = found.get(name, [])
    if len(values) != 1 or len(values[0]) != 20:
        raise TrackerMessageError(f"{name} is not 20 bytes")
    return values[0]


def _number(found: Mapping[str, list[bytes]], name: str, default: int) -> int:
    """A decimal number below 2^63; what is empty or negative, as some clients' `numwant=-1`, is the default."""
    raw = found.get(name, [b""])[0]
    if not raw or raw.startswith(b"-"):
        return default
    if not raw.isdigit() or len(raw) > 19 or int(raw) > _MAX_COUNT:
        raise TrackerMessageError(f"{name} is not a number")
    return int(raw)
