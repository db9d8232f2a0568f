"""The DHT's messages as values and as bytes, with every limit (KRPC: BEP 5, 32, 42, 43).

One message is one datagram. Who may be believed is not this module's question.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from jupyter_webtorrent.protocol import bencode, compact
from jupyter_webtorrent.protocol.dht_node import ID_BYTES, Family, Node, NodeId
from jupyter_webtorrent.protocol.errors import BencodeError, ProtocolError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.printable import printable

MAX_RECEIVED_BYTES = 4096
MAX_SENT_BYTES = 1400
"""So that no link on the way has to cut the datagram up."""
MAX_NODES = 16
"""Nodes taken from one list; more are left out."""
MAX_VALUES = 100
"""Peers taken from one reply; more are left out."""
MAX_TOKEN_BYTES = 64
MAX_TRANSACTION_BYTES = 16
MAX_ERROR_CHARACTERS = 100

GENERIC_ERROR, SERVER_ERROR, BAD_PROTOCOL, UNKNOWN_METHOD = 201, 202, 203, 204

CLIENT_VERSION = b"JW\x00\x10"
"""The `v` of what we send: client and version."""

_NODE_LISTS = {Family.IPV4: (b"nodes", b"n4"), Family.IPV6: (b"nodes6", b"n6")}

_Fields: TypeAlias = dict[bytes, bencode.Value]
_Written: TypeAlias = dict[bytes, bencode.Encodable]


class KrpcError(ProtocolError):
    """Not a message to act on: drop it."""


class BadQueryError(KrpcError):
    """A query that cannot be answered, but whose sender can be told why: reply with `answer`."""

    def __init__(self, transaction: bytes, code: int, reason: str) -> None:
        super().__init__(reason)
        self.answer = Message(transaction, Failure(code, reason))


class Ping(Struct, frozen=True):
    sender: NodeId


class FindNode(Struct, frozen=True):
    """Which nodes are closest to `target`?"""

    sender: NodeId
    target: NodeId
    want: frozenset[Family] = frozenset()
    """Of which families; empty: of the one that the query came by (BEP 32)."""


class GetPeers(Struct, frozen=True):
    """Who has the torrent, and which nodes are closest to its info hash?"""

    sender: NodeId
    info_hash: InfoHash
    want: frozenset[Family] = frozenset()


class AnnouncePeer(Struct, frozen=True):
    """The sender has the torrent; `token` is from its reply to our `GetPeers`."""

    sender: NodeId
    info_hash: InfoHash
    token: bytes
    port: int | None
    """The peer's TCP port; None: the one that this query comes from."""


Query: TypeAlias = Ping | FindNode | GetPeers | AnnouncePeer


class Reply(Struct, frozen=True):
    """The answer to any query: what was not asked for is empty."""

    sender: NodeId
    nodes: tuple[Node, ...] = ()
    """Of both families."""
    values: tuple[PeerAddress, ...] = ()
    """Peers of the torrent."""
    token: bytes = b""
    """For announcing to this node; empty: it takes no announce."""


class Failure(Struct, frozen=True):
    """The other node's refusal (BEP 5, "Errors")."""

    code: int
    reason: str


class Message(Struct, frozen=True):
    """A query, or the answer that carries the same transaction id."""

    transaction: bytes
    body: Query | Reply | Failure
    read_only: bool = False
    """A query's sender answers no queries: keep it out of the routing table (BEP 43)."""
    observed: PeerAddress | None = None
    """In an answer: from where the query seemed to come (BEP 42)."""

    def encode(self) -> bytes:
        """One datagram; the caller keeps it under MAX_SENT_BYTES by what it puts in a reply."""
        fields: _Written = {b"t": self.transaction, b"v": CLIENT_VERSION}
        match self.body:
            case Reply() as reply:
                fields |= {b"y": b"r", b"r": _write_reply(reply)}
            case Failure(code=code, reason=reason):
                fields |= {b"y": b"e", b"e": [code, reason[:MAX_ERROR_CHARACTERS]]}
            case query:
                method, arguments = _write_query(query)
                fields |= {b"y": b"q", b"q": method, b"a": arguments}
                if self.read_only:
                    fields[b"ro"] = 1
        if self.observed is not None:
            fields[b"ip"] = compact.encode_address(self.observed) or b""
        return bencode.encode(fields)


def decode(data: bytes) -> Message:
    """Read a datagram; raises BadQueryError for what can be answered with an error, else KrpcError.

    What is not known is passed over, as BEP 5 has it; so are addresses with port 0.
    """
    if len(data) > MAX_RECEIVED_BYTES:
        raise KrpcError(f"a DHT message of {len(data)} bytes; at most {MAX_RECEIVED_BYTES}")
    try:
        fields = bencode.decode(data)
    except BencodeError as error:
        raise KrpcError(f"a DHT message is not bencoded: {error}") from error
    if not isinstance(fields, dict):
        raise KrpcError("a DHT message is not a dictionary")
    transaction = fields.get(b"t")
    if not isinstance(transaction, bytes) or not 0 < len(transaction) <= MAX_TRANSACTION_BYTES:
        raise KrpcError(f"a transaction id is 1 to {MAX_TRANSACTION_BYTES} bytes")
    kind = fields.get(b"y")
    if kind == b"q":
        query = _read_query(transaction, fields)
        return Message(transaction, query, read_only=fields.get(b"ro") == 1)
    if kind == b"r":
        reply = _read_reply(_dictionary(fields, b"r"))
        return Message(transaction, reply, observed=_read_address(fields.get(b"ip")))
    if kind == b"e":
        return Message(transaction, _read_failure(fields.get(b"e")))
    raise KrpcError("a DHT message is neither a query nor an answer")


# Writing


def _write_query(query: Query) -> tuple[bytes, _Written]:
    arguments: _Written = {b"id": query.sender.raw}
    match query:
        case Ping():
            return b"ping", arguments
        case FindNode():
            arguments |= {b"target": query.target.raw, **_write_want(query.want)}
            return b"find_node", arguments
        case GetPeers():
            arguments |= {b"info_hash": query.info_hash.digest, **_write_want(query.want)}
            return b"get_peers", arguments
        case AnnouncePeer():
            arguments |= {
                b"info_hash": query.info_hash.digest,
                b"token": query.token,
                b"port": query.port or 0,
                b"implied_port": int(query.port is None),
            }
            return b"announce_peer", arguments


def _write_want(want: frozenset[Family]) -> _Written:
    return {b"want": [_NODE_LISTS[family][1] for family in sorted(want)]} if want else {}


def _write_reply(reply: Reply) -> _Written:
    fields: _Written = {b"id": reply.sender.raw}
    for family, (key, _) in _NODE_LISTS.items():
        if nodes := write_nodes(node for node in reply.nodes if node.family is family):
            fields[key] = nodes
    values = [compact.encode_address(address) for address in reply.values]
    if values:
        fields[b"values"] = [value for value in values if value is not None]
    if reply.token:
        fields[b"token"] = reply.token
    return fields


def write_nodes(nodes: Iterable[Node]) -> bytes:
    """Compact node info: 26 bytes for each IPv4 node, 38 for IPv6 (BEP 32). All must be of one family."""
    return b"".join(node.id.raw + (compact.encode_address(node.address) or b"") for node in nodes)


# Reading


def _read_query(transaction: bytes, fields: _Fields) -> Query:
    try:
        return _query(fields.get(b"q"), _dictionary(fields, b"a"))
    except _UnknownMethodError as error:
        raise BadQueryError(transaction, UNKNOWN_METHOD, str(error)) from error
    except KrpcError as error:
        raise BadQueryError(transaction, BAD_PROTOCOL, str(error)) from error


class _UnknownMethodError(KrpcError):
    """A query of a kind that we do not answer."""


def _query(method: bencode.Value | None, arguments: _Fields) -> Query:
    sender = NodeId(_exact(arguments, b"id"))
    if method == b"ping":
        return Ping(sender)
    if method == b"find_node":
        return FindNode(sender, NodeId(_exact(arguments, b"target")), _read_want(arguments))
    if method == b"get_peers":
        return GetPeers(sender, InfoHash(_exact(arguments, b"info_hash")), _read_want(arguments))
    if method == b"announce_peer":
        return _read_announce(sender, arguments)
    raise _UnknownMethodError("this method is not known here")


def _read_announce(sender: NodeId, arguments: _Fields) -> AnnouncePeer:
    token, port = arguments.get(b"token"), arguments.get(b"port")
    if not isinstance(token, bytes) or len(token) > MAX_TOKEN_BYTES:
        raise KrpcError(f"a token is at most {MAX_TOKEN_BYTES} bytes")
    if arguments.get(b"implied_port", 0) not in (0, b""):
        port = None
    elif not isinstance(port, int) or not 1 <= port <= 65535:
        raise KrpcError("a port is 1 to 65535")
    return AnnouncePeer(sender, InfoHash(_exact(arguments, b"info_hash")), token, port)


def _read_want(arguments: _Fields) -> frozenset[Family]:
    want = arguments.get(b"want")
    asked = want if isinstance(want, list) else []
    return frozenset(family for family, (_, name) in _NODE_LISTS.items() if name in asked)


def _read_reply(fields: _Fields) -> Reply:
    nodes: list[Node] = []
    for family, (key, _) in _NODE_LISTS.items():
        packed = fields.get(key)
        if isinstance(packed, bytes):
            nodes += read_nodes(packed, family)
    values = fields.get(b"values")
    peers = map(_read_address, values[:MAX_VALUES] if isinstance(values, list) else ())
    token = fields.get(b"token")
    return Reply(
        NodeId(_exact(fields, b"id")),
        tuple(nodes),
        tuple(peer for peer in peers if peer is not None),
        token if isinstance(token, bytes) and len(token) <= MAX_TOKEN_BYTES else b"",
    )


def read_nodes(packed: bytes, family: Family, limit: int = MAX_NODES) -> list[Node]:
    """The first `limit` nodes of compact node info; raises KrpcError where its length fits none."""
    size = ID_BYTES + (compact.IPV4_BYTES if family is Family.IPV4 else compact.IPV6_BYTES)
    if len(packed) % size:
        raise KrpcError(f"{len(packed)} bytes of nodes are no multiple of {size}")
    nodes = []
    for start in range(0, min(len(packed), limit * size), size):
        entry = packed[start : start + size]
        address = _read_address(entry[ID_BYTES:])
        if address is not None and Family.of(address.host) is family:
            nodes.append(Node(NodeId(entry[:ID_BYTES]), address))
    return nodes


def _read_failure(value: bencode.Value | None) -> Failure:
    match value:
        case [int(code), bytes(reason), *_]:
            return Failure(
                code, printable(reason[:MAX_ERROR_CHARACTERS].decode("utf-8", "replace"))
            )
        case _:
            return Failure(GENERIC_ERROR, "")


def _read_address(value: bencode.Value | None) -> PeerAddress | None:
    """6 or 18 bytes; None for anything else and for port 0."""
    if not isinstance(value, bytes) or len(value) not in (compact.IPV4_BYTES, compact.IPV6_BYTES):
        return None
    read = compact.decode_ipv4 if len(value) == compact.IPV4_BYTES else compact.decode_ipv6
    return next(iter(read(value, 1)), None)


def _dictionary(fields: _Fields, key: bytes) -> _Fields:
    value = fields.get(key)
    if not isinstance(value, dict):
        raise KrpcError(f"a DHT message has no dictionary {key.decode()!r}")
    return value


def _exact(fields: _Fields, key: bytes) -> bytes:
    value = fields.get(key)
    if not isinstance(value, bytes) or len(value) != ID_BYTES:
        raise KrpcError(f"{key.decode()!r} is not {ID_BYTES} bytes")
    return value
