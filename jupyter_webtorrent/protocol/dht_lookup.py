"""An iterative lookup: from the nodes one knows to those closest to an id (BEP 5; Kademlia, 2.3).

A state machine without I/O. Its driver asks whom `take` returns, and tells what came of it; however the answers lie,
it ends after MAX_QUERIES at the latest.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from heapq import nsmallest

from jupyter_webtorrent.protocol.dht_node import Node, NodeId
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.routing_table import BUCKET_SIZE, place_of

PARALLEL = 3
"""Queries that are waited for at once ("alpha")."""
MAX_QUERIES = 120
MAX_CANDIDATES = 200


class CandidateState(Enum):
    """A candidate is in exactly one of these states."""

    FRESH = "fresh"
    ASKED = "asked"
    SLOW = "slow"
    """Asked a while ago: another one is asked meanwhile."""
    ANSWERED = "answered"


@dataclass(slots=True)
class Candidate:
    node: Node
    state: CandidateState = CandidateState.FRESH
    token: bytes = b""


class Lookup:
    """The way to one id, in one family's DHT."""

    def __init__(
        self, target: NodeId, start: Iterable[Node], may_ask: Callable[[PeerAddress], bool]
    ) -> None:
        """`may_ask` refuses our own addresses, and those that are not to be sent to at all."""
        self.target = target
        self.queries = 0
        self._may_ask = may_ask
        self._number = target.number
        self._distances: list[int] = []
        """Of all candidates, in order."""
        self._candidates: dict[int, Candidate] = {}
        """By distance, which is an id's own."""
        self._places: set[str] = set()
        """Taken: a host that has many ids is asked once."""
        self._failed: set[Node] = set()
        self._add(start)

    @property
    def is_done(self) -> bool:
        """Nobody is left to ask, or to wait for."""
        if self.queries >= MAX_QUERIES:
            waited_for = (CandidateState.ASKED, CandidateState.SLOW)
            return not any(c.state in waited_for for c in self._candidates.values())
        return all(c.state is CandidateState.ANSWERED for c in self._closest())

    @property
    def found(self) -> list[tuple[Node, bytes]]:
        """The closest nodes that answered, each with its token for announcing."""
        return [
            (candidate.node, candidate.token)
            for candidate in self._closest()
            if candidate.state is CandidateState.ANSWERED
        ]

    def take(self) -> list[Node]:
        """Whom to ask now; they count as asked."""
        asked = []
        waiting = sum(c.state is CandidateState.ASKED for c in self._candidates.values())
        for candidate in self._closest():
            if waiting >= PARALLEL or self.queries >= MAX_QUERIES:
                break
            if candidate.state is CandidateState.FRESH:
                candidate.state = CandidateState.ASKED
                self.queries += 1
                waiting += 1
                asked.append(candidate.node)
        return asked

    def answered(self, node: Node, nodes: Iterable[Node], token: bytes = b"") -> None:
        """It answered, and named these nodes; the caller has dropped those that it may not name."""
        candidate = self._find(node)
        if candidate is not None and candidate.state is not CandidateState.FRESH:
            candidate.state = CandidateState.ANSWERED
            candidate.token = token
            # One liar should not fill the list: no honest node names more than a bucket.
            self._add(nsmallest(BUCKET_SIZE, nodes, key=lambda n: n.id.number ^ self._number))

    def slow(self, node: Node) -> None:
        """It has not answered in the time that most take."""
        candidate = self._find(node)
        if candidate is not None and candidate.state is CandidateState.ASKED:
            candidate.state = CandidateState.SLOW

    def failed(self, node: Node) -> None:
        """It did not answer, or with another id or nonsense."""
        if self._find(node) is not None:
            self._failed.add(node)
            self._drop(node.id.number ^ self._number)

    def _closest(self) -> Iterator[Candidate]:
        return (self._candidates[distance] for distance in self._distances[:BUCKET_SIZE])

    def _find(self, node: Node) -> Candidate | None:
        candidate = self._candidates.get(node.id.number ^ self._number)
        return candidate if candidate is not None and candidate.node == node else None

    def _add(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            distance = node.id.number ^ self._number
            place = place_of(node.address)
            if (
                distance in self._candidates
                or place in self._places
                or node in self._failed
                or not self._may_ask(node.address)
            ):
                continue
            self._candidates[distance] = Candidate(node)
            self._places.add(place)
            insort(self._distances, distance)
        while len(self._distances) > MAX_CANDIDATES:
            self._drop(self._distances[-1])

    def _drop(self, distance: int) -> None:
        candidate = self._candidates.pop(distance)
        self._distances.remove(distance)
        self._places.discard(place_of(candidate.node.address))
