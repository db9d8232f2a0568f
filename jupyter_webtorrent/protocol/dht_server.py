"""What a DHT node answers to others: nodes, peers that announced themselves, and tokens (BEP 5, BEP 32).

Pure and bounded: a reply fits one datagram whatever is known, and rates are kept per address and in all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest
from random import Random

from jupyter_webtorrent.protocol.dht_node import Family, Node, NodeId
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.krpc import (
    BAD_PROTOCOL,
    SERVER_ERROR,
    AnnouncePeer,
    Failure,
    FindNode,
    GetPeers,
    Message,
    Ping,
    Query,
    Reply,
)
from jupyter_webtorrent.protocol.reach import Reach, reach_of
from jupyter_webtorrent.protocol.routing_table import RoutingTable, place_of
from jupyter_webtorrent.protocol.token_bucket import KeyedBuckets, TokenBucket

TOKEN_SECONDS = 300.0
"""How long a token secret is the current one; the one before it counts too."""
TOKEN_BYTES = 8

PEER_SECONDS = 1800.0
"""An announce counts for so long."""
MAX_PEERS = 20_000
MAX_PEERS_PER_TORRENT = 200
MAX_PEERS_PER_PLACE = 2_000
"""Of one address, which may be a school's: more than the torrents of one session (1,000)."""
MAX_REPLY_VALUES: Mapping[Family, int] = {Family.IPV4: 50, Family.IPV6: 25}
"""With 8 nodes of each family such a reply is under 1,400 bytes."""

QUERIES_PER_SECOND = 100.0
QUERIES_PER_SECOND_PER_PLACE = 5.0
BURST_SECONDS = 4.0
MAX_PLACES = 1000


class Tokens:
    """Proof that a node was reached at the address it announces from; nothing is kept for it."""

    def __init__(self, now: float, random: Random) -> None:
        self._random = random
        self._secrets = (random.randbytes(16), random.randbytes(16))
        self._rotate_at = now + TOKEN_SECONDS

    def issue(self, host: str, now: float) -> bytes:
        self._rotate(now)
        return _token(self._secrets[0], host)

    def accepts(self, token: bytes, host: str, now: float) -> bool:
        """Whether we issued it to that host, TOKEN_SECONDS to twice as long ago at most."""
        self._rotate(now)
        return any(compare_digest(token, _token(secret, host)) for secret in self._secrets)

    def _rotate(self, now: float) -> None:
        if now >= self._rotate_at:
            fresh = self._random.randbytes(16)
            missed = now >= self._rotate_at + TOKEN_SECONDS
            previous = self._random.randbytes(16) if missed else self._secrets[0]
            self._secrets = (fresh, previous)
            self._rotate_at = now + TOKEN_SECONDS


class PeerStore:
    """Peers that announced themselves, by torrent; each is forgotten in its time."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._until: dict[tuple[InfoHash, PeerAddress], float] = {}
        """In the order in which they end."""
        self._by_torrent: dict[InfoHash, dict[PeerAddress, None]] = {}
        self._by_place: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._until)

    def add(self, info_hash: InfoHash, peer: PeerAddress, now: float) -> bool:
        """Keep a peer for PEER_SECONDS; False if there is no room, for it or for anybody."""
        self._expire(now)
        key = (info_hash, peer)
        if key in self._until:
            self._remove(key)
        if (
            len(self._until) >= MAX_PEERS
            or len(self._by_torrent.get(info_hash, ())) >= MAX_PEERS_PER_TORRENT
            or self._by_place[place_of(peer)] >= MAX_PEERS_PER_PLACE
        ):
            return False
        self._until[key] = now + PEER_SECONDS
        self._by_torrent.setdefault(info_hash, {})[peer] = None
        self._by_place[place_of(peer)] += 1
        return True

    def some(
        self, info_hash: InfoHash, family: Family, reach: Reach, now: float
    ) -> tuple[PeerAddress, ...]:
        """Peers that somebody of this family, of that reach, may be told of; as many as a reply holds."""
        self._expire(now)
        known = [
            peer
            for peer in self._by_torrent.get(info_hash, ())
            if Family.of(peer.host) is family and reach_of(peer.host) >= reach
        ]
        count = min(len(known), MAX_REPLY_VALUES[family])
        return tuple(self._random.sample(known, count))

    def _expire(self, now: float) -> None:
        while self._until:
            key = next(iter(self._until))
            if self._until[key] > now:
                return
            self._remove(key)

    def _remove(self, key: tuple[InfoHash, PeerAddress]) -> None:
        info_hash, peer = key
        del self._until[key]
        peers = self._by_torrent[info_hash]
        del peers[peer]
        if not peers:
            del self._by_torrent[info_hash]
        place = place_of(peer)
        self._by_place[place] -= 1
        if not self._by_place[place]:
            del self._by_place[place]


class QueryLimits:
    """How many queries are answered, of each host and in all."""

    def __init__(self, now: float) -> None:
        self._all = TokenBucket(QUERIES_PER_SECOND, QUERIES_PER_SECOND * BURST_SECONDS, now)
        each = QUERIES_PER_SECOND_PER_PLACE
        self._each = KeyedBuckets(each, each * BURST_SECONDS, MAX_PLACES)

    def admits(self, sender: PeerAddress, now: float) -> bool:
        """Whether to answer one more; one host's flood takes nothing from the others."""
        return self._each.try_take(place_of(sender), now) and self._all.try_take(now)


class DhtServer:
    """Answers queries from what both families' tables and the peer store know."""

    def __init__(self, tables: Mapping[Family, RoutingTable], now: float, random: Random) -> None:
        """`tables` is read at each query: a family's table may be replaced."""
        self.peers = PeerStore(random)
        self._tables = tables
        self._tokens = Tokens(now, random)
        self._limits = QueryLimits(now)

    def answer(
        self, message: Message, query: Query, sender: PeerAddress, now: float
    ) -> Message | None:
        """The answer to a query from `sender`; None: it asks too often, or from where no node can be."""
        reach = reach_of(sender.host)
        if reach is Reach.NOWHERE or not self._limits.admits(sender, now):
            return None
        body = self._answer(query, sender, reach, now)
        return Message(message.transaction, body, observed=sender)

    def admits(self, sender: PeerAddress, now: float) -> bool:
        """Whether a query that cannot be read may be answered with its error."""
        return self._limits.admits(sender, now)

    def _answer(
        self, query: Query, sender: PeerAddress, reach: Reach, now: float
    ) -> Reply | Failure:
        family = Family.of(sender.host)
        own_id = self._tables[family].own_id
        match query:
            case Ping():
                return Reply(own_id)
            case FindNode(target=target, want=want):
                return Reply(own_id, self._nodes(target, want or {family}, reach))
            case GetPeers(info_hash=info_hash, want=want):
                return Reply(
                    own_id,
                    self._nodes(NodeId.of(info_hash), want or {family}, reach),
                    self.peers.some(info_hash, family, reach, now),
                    self._tokens.issue(sender.host, now),
                )
            case AnnouncePeer(info_hash=info_hash, token=token, port=port):
                if not self._tokens.accepts(token, sender.host, now):
                    return Failure(BAD_PROTOCOL, "the token is not ours, or too old")
                peer = PeerAddress(sender.host, port or sender.port)
                if not self.peers.add(info_hash, peer, now):
                    return Failure(SERVER_ERROR, "no room for one more peer")
                return Reply(own_id)

    def _nodes(
        self, target: NodeId, want: frozenset[Family] | set[Family], reach: Reach
    ) -> tuple[Node, ...]:
        return tuple(
            node
            for family in sorted(want)
            if family in self._tables
            for node in self._tables[family].to_name(target, reach)
        )


def _token(secret: bytes, host: str) -> bytes:
    return blake2b(host.encode(), key=secret, digest_size=TOKEN_BYTES).digest()
