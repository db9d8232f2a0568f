"""The nodes that a DHT node knows, in buckets of 8 that get finer towards its own id (BEP 5, "Routing Table").

Pure and bounded: time is an argument, and who is to be asked is returned, not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import nsmallest
from ipaddress import ip_address
from random import Random

from jupyter_webtorrent.protocol.dht_node import ID_BITS, Node, NodeId, fits_address
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.reach import Reach, reach_of

BUCKET_SIZE = 8
MAX_REPLACEMENTS = 8
FRESH_SECONDS = 900.0
"""A node that answered, and was heard from within this time, is good; a bucket that did not change is refreshed."""
MAX_FAILURES = 2
"""A node that left so many queries in a row unanswered is bad."""
MAX_OF_NEIGHBOURHOOD = 2
"""Nodes of one /24 of the public IPv4 internet in a bucket: one owner should not fill it."""


@dataclass(slots=True)
class Contact:
    """A node of the table, and what became of our queries to it."""

    node: Node
    heard_at: float
    """When its last query or answer came; what a restored node said in an earlier run counts as never."""
    answered: bool = False
    """Whether it ever answered us: its address is its own."""
    failures: int = 0
    asked_at: float = float("-inf")

    def is_good(self, now: float) -> bool:
        return self.answered and not self.failures and now - self.heard_at < FRESH_SECONDS

    @property
    def is_bad(self) -> bool:
        return self.failures >= MAX_FAILURES


@dataclass(slots=True)
class Bucket:
    """The nodes whose ids share exactly so many first bits with ours; the last bucket holds all closer ones too."""

    changed_at: float
    contacts: dict[NodeId, Contact] = field(default_factory=dict)
    replacements: dict[NodeId, Contact] = field(default_factory=dict)
    """Nodes that answered when the bucket was full, the latest last."""


class RoutingTable:
    """One family's nodes. All times are seconds of one steady clock."""

    def __init__(self, own_id: NodeId, now: float, random: Random) -> None:
        self.own_id = own_id
        self._random = random
        self._own_number = own_id.number
        self._buckets = [Bucket(now)]
        """By the number of first bits in common with our own id: only our own bucket is ever split."""
        self._places: Counter[str] = Counter()
        """How many contacts each place holds, the replacements too."""

    def __len__(self) -> int:
        return sum(len(bucket.contacts) for bucket in self._buckets)

    def __iter__(self) -> Iterator[Contact]:
        for bucket in self._buckets:
            yield from bucket.contacts.values()

    def nodes(self) -> list[Node]:
        """All that may be asked again in a later run: those that did not fail, the ones that answered first."""
        kept = [contact for contact in self if not contact.failures]
        kept.sort(key=lambda contact: not contact.answered)
        return [contact.node for contact in kept]

    def good_count(self, now: float) -> int:
        return sum(contact.is_good(now) for contact in self)

    def closest(self, target: NodeId, count: int = BUCKET_SIZE) -> list[Node]:
        """The closest nodes that are not bad: a lookup begins with them."""
        number = target.number
        usable = [contact.node for contact in self if not contact.is_bad]
        usable = usable or [contact.node for contact in self]  # after an outage all look bad
        return nsmallest(count, usable, key=lambda node: node.id.number ^ number)

    def to_name(self, target: NodeId, asker: Reach, count: int = BUCKET_SIZE) -> list[Node]:
        """The closest nodes to name to somebody of that reach: they answered us, and are no nearer to us than he."""
        number = target.number
        known = (
            contact.node
            for contact in self
            if contact.answered
            and not contact.is_bad
            and reach_of(contact.node.address.host) >= asker
        )
        return nsmallest(count, known, key=lambda node: node.id.number ^ number)

    # What happened

    def answered(self, node: Node, now: float) -> None:
        """It answered a query of ours with this id."""
        if node.id == self.own_id:
            return
        bucket = self._bucket(node.id)
        known = bucket.contacts.get(node.id) or bucket.replacements.get(node.id)
        if known is not None and known.node.address == node.address:
            known.heard_at, known.answered, known.failures = now, True, 0
            return
        if known is not None and known.answered and not known.failures:
            return  # the id is taken, and its owner is well
        if known is not None:
            self._remove(known)
        self._insert(Contact(node, now, answered=True), now)

    def queried(self, node: Node, now: float) -> bool:
        """It sent us a query. Returns whether it would be of use here, if it answers a ping."""
        if node.id == self.own_id:
            return False
        bucket = self._bucket(node.id)
        known = bucket.contacts.get(node.id) or bucket.replacements.get(node.id)
        if known is not None:
            if known.node.address == node.address and known.answered:
                known.heard_at = now
            return False
        return (
            len(bucket.contacts) < BUCKET_SIZE
            or bucket is self._buckets[-1]
            or len(bucket.replacements) < MAX_REPLACEMENTS
        )

    def failed(self, node: Node) -> None:
        """It did not answer a query, or not with this id."""
        bucket = self._bucket(node.id)
        contact = bucket.contacts.get(node.id) or bucket.replacements.get(node.id)
        if contact is None or contact.node.address != node.address:
            return
        contact.failures += 1
        in_reserve = node.id in bucket.replacements
        if contact.is_bad and (in_reserve or bucket.replacements or not contact.answered):
            self._remove(contact)
            if not in_reserve and bucket.replacements:  # the latest takes the place that got free
                promoted_id, promoted = bucket.replacements.popitem()
                bucket.contacts[promoted_id] = promoted

    def restore(self, nodes: Iterable[Node], now: float) -> None:
        """Take nodes of an earlier run in where there is room; they count as questionable until they answer."""
        for node in nodes:
            bucket = self._bucket(node.id)
            if node.id != self.own_id and node.id not in bucket.contacts:
                self._insert(Contact(node, now - FRESH_SECONDS), now)

    def with_id(self, own_id: NodeId, now: float) -> RoutingTable:
        """The same nodes, seen from another id."""
        table = RoutingTable(own_id, now, self._random)
        for contact in self:
            table._insert(contact, now)
        return table

    # What is to be done

    def to_ping(self, now: float, count: int) -> list[Node]:
        """Questionable nodes to ask whether they are still there, the longest unheard first."""
        pause = FRESH_SECONDS / 10
        due = [
            contact
            for contact in self
            if not contact.is_good(now) and not contact.is_bad and now - contact.asked_at >= pause
        ]
        due.sort(key=lambda contact: contact.heard_at)
        for contact in due[:count]:
            contact.asked_at = now
        return [contact.node for contact in due[:count]]

    def to_refresh(self, now: float) -> NodeId | None:
        """An id to look up, in a bucket where nothing changed for long; it counts as refreshed."""
        for index, bucket in enumerate(self._buckets):
            if now - bucket.changed_at >= FRESH_SECONDS:
                bucket.changed_at = now
                return self._random_id(index)
        return None

    # Buckets

    def _bucket(self, node_id: NodeId) -> Bucket:
        return self._buckets[min(self._shared_bits(node_id), len(self._buckets) - 1)]

    def _shared_bits(self, node_id: NodeId) -> int:
        return ID_BITS - (node_id.number ^ self._own_number).bit_length()

    def _random_id(self, index: int) -> NodeId:
        """An id that belongs in the bucket."""
        last = index == len(self._buckets) - 1
        free_bits = ID_BITS - index - (0 if last else 1)
        low = self._random.getrandbits(free_bits) if free_bits else 0
        high = self._own_number >> free_bits
        if not last:
            high ^= 1
        return NodeId.from_number(high << free_bits | low)

    def _insert(self, contact: Contact, now: float) -> None:
        if not self._has_place(contact):
            return
        bucket = self._bucket(contact.node.id)
        while self._may_split(bucket):
            self._split(now)
            bucket = self._bucket(contact.node.id)
        if self._is_crowded(bucket, contact):
            return
        if len(bucket.contacts) == BUCKET_SIZE:
            worst = min(bucket.contacts.values(), key=_worth)
            if _worth(worst) >= _worth(contact):
                self._reserve(bucket, contact)
                return
            self._remove(worst)
        self._put(bucket.contacts, contact)
        bucket.changed_at = now

    def _reserve(self, bucket: Bucket, contact: Contact) -> None:
        """The bucket is full of nodes that are no worse: keep this one for when one of them fails."""
        if contact.answered:
            self._put(bucket.replacements, contact)
            if len(bucket.replacements) > MAX_REPLACEMENTS:
                self._remove(next(iter(bucket.replacements.values())))

    def _may_split(self, bucket: Bucket) -> bool:
        """Only our own bucket is split, when it is full."""
        is_own = bucket is self._buckets[-1] and len(self._buckets) < ID_BITS
        return is_own and len(bucket.contacts) == BUCKET_SIZE

    def _split(self, now: float) -> None:
        """Our own bucket: what shares one bit more with us moves to a new one."""
        old = self._buckets[-1]
        shared = len(self._buckets)
        new = Bucket(now)
        self._buckets.append(new)
        for group, moved in (
            (old.contacts, new.contacts),
            (old.replacements, new.replacements),
        ):
            for node_id in [known for known in group if self._shared_bits(known) >= shared]:
                moved[node_id] = group.pop(node_id)

    # One place, one node

    def _has_place(self, contact: Contact) -> bool:
        """Whether no other node is at its place, but silent ones, which make way for one that answers."""
        place = place_of(contact.node.address)
        if not self._places[place]:
            return True
        groups = (group for b in self._buckets for group in (b.contacts, b.replacements))
        there = [
            known
            for group in groups
            for known in group.values()
            if place_of(known.node.address) == place
        ]
        if not contact.answered or any(k.answered and not k.failures for k in there):
            return False
        for known in there:
            self._remove(known)
        return True

    def _is_crowded(self, bucket: Bucket, contact: Contact) -> bool:
        """Whether the bucket holds enough of its neighbourhood."""
        neighbourhood = _neighbourhood(contact.node.address)
        if neighbourhood is None:
            return False
        known = (_neighbourhood(known.node.address) for known in bucket.contacts.values())
        return sum(other == neighbourhood for other in known) >= MAX_OF_NEIGHBOURHOOD

    def _put(self, group: dict[NodeId, Contact], contact: Contact) -> None:
        group[contact.node.id] = contact
        self._places[place_of(contact.node.address)] += 1

    def _remove(self, contact: Contact) -> None:
        bucket = self._bucket(contact.node.id)
        node_id = contact.node.id
        if bucket.contacts.pop(node_id, None) or bucket.replacements.pop(node_id, None):
            place = place_of(contact.node.address)
            self._places[place] -= 1
            if not self._places[place]:
                del self._places[place]


def _worth(contact: Contact) -> tuple[bool, bool, bool]:
    """Which of two nodes is kept: not a bad one, one that answered, one whose id is its own (BEP 42)."""
    node = contact.node
    return (not contact.is_bad, contact.answered, fits_address(node.id, node.address.host))


@lru_cache(maxsize=4096)
def place_of(address: PeerAddress) -> str:
    """What may hold one node only: a host, a public IPv6 /64; on this machine each port."""
    reach = reach_of(address.host)
    if reach is Reach.INTERNET and ":" in address.host:
        return ip_address(address.host).packed[:8].hex()
    return str(address) if reach is Reach.MACHINE else address.host


@lru_cache(maxsize=4096)
def _neighbourhood(address: PeerAddress) -> bytes | None:
    """The /24 of a public IPv4 address."""
    if reach_of(address.host) is not Reach.INTERNET:
        return None
    packed = ip_address(address.host).packed
    return packed[:3] if len(packed) == 4 else None
