"""Our node in one family's DHT: its routing table kept well, and lookups through it.

It asks and is told; answering other nodes' queries is `dht_server`'s, when to search `dht`'s.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from functools import partial
from random import Random

from jupyter_webtorrent.net.datagrams import DatagramNetwork
from jupyter_webtorrent.net.dht_socket import DhtSocket, QueryPace
from jupyter_webtorrent.protocol.dht_lookup import Lookup
from jupyter_webtorrent.protocol.dht_node import Family, Node, NodeId, fits_address, id_for_address
from jupyter_webtorrent.protocol.dht_self import OwnAddress, Reachability
from jupyter_webtorrent.protocol.dht_server import DhtServer
from jupyter_webtorrent.protocol.dht_state import FamilyState
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.krpc import (
    AnnouncePeer,
    FindNode,
    GetPeers,
    Message,
    Ping,
    Query,
    Reply,
)
from jupyter_webtorrent.protocol.reach import Reach, may_name, reach_of
from jupyter_webtorrent.protocol.routing_table import RoutingTable
from jupyter_webtorrent.protocol.token_bucket import TokenBucket

SLOW_SECONDS = 1.0
"""After this a lookup asks somebody else meanwhile."""
CLOCK_SECONDS = 0.01
"""A timer may be early by less than this."""
LOOKUP_SECONDS = 60.0
JOIN_TRIES = 2
"""Times that nodes to begin with are asked if none of them answers: often there is one, and a datagram may be lost."""
MAINTENANCE_SECONDS = 15.0
MAX_PINGS_AT_ONCE = 8
STRANGERS_PER_SECOND = 2.0
"""Nodes that are asked whether they exist because they, or a peer, named themselves."""

Found = Callable[[list[PeerAddress]], None]
MakeQuery = Callable[[NodeId], Query]
"""A query from the id that is ours now."""


class DhtNode:
    """Open it, then `join` and `maintain`. All times are the event loop's."""

    def __init__(
        self,
        family: Family,
        tables: dict[Family, RoutingTable],
        server: DhtServer,
        pace: QueryPace,
        random: Random,
        *,
        loopback_only: bool,
    ) -> None:
        """`tables` is the server's view; this node's table is put there."""
        self.family = family
        self.known: tuple[Node, ...] = ()
        """Nodes of an earlier run, until `join` has asked them."""
        self._tables = tables
        self._server = server
        self._pace = pace
        self._random = random
        self.loopback_only = loopback_only
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self.table = RoutingTable(NodeId.random(random), now, random)
        self._own_address = OwnAddress()
        self._reachability = Reachability(now)
        self._strangers = TokenBucket(STRANGERS_PER_SECOND, 10 * STRANGERS_PER_SECOND, now)
        self._socket = DhtSocket(
            random, self._queried, lambda sender: server.admits(sender, self._loop.time())
        )

    @property
    def table(self) -> RoutingTable:
        return self._tables[self.family]

    @table.setter
    def table(self, table: RoutingTable) -> None:
        self._tables[self.family] = table

    @property
    def has_nodes(self) -> bool:
        """Whether it knows anybody, of this run or an earlier one."""
        return bool(len(self.table) or self.known)

    @property
    def port(self) -> int:
        return self._socket.address.port

    async def open(self, network: DatagramNetwork, address: PeerAddress) -> None:
        """Raises NetError."""
        await self._socket.open(network, address)

    async def aclose(self) -> None:
        await self._socket.aclose()

    def restore(self, state: FamilyState) -> None:
        """Go on with the id and the nodes of an earlier run; nothing is sent before `join`."""
        self.table = RoutingTable(state.own_id, self._loop.time(), self._random)
        self.known = state.nodes

    def export(self) -> FamilyState:
        """What a later run can go on with."""
        return FamilyState(self.table.own_id, tuple(self.table.nodes()) or self.known)

    def may_send(self, address: PeerAddress) -> bool:
        """Whether this session sends there at all, whoever named it."""
        reach = reach_of(address.host)
        if reach is Reach.NOWHERE or Family.of(address.host) is not self.family:
            return False
        if self.loopback_only and reach is not Reach.MACHINE:
            return False
        return not self._is_ourselves(address)

    # Joining, and staying

    async def join(self, addresses: Iterable[PeerAddress]) -> bool:
        """Find our neighbours by way of nodes known by address alone, or from an earlier run.

        Returns whether anybody answered.
        """
        now = self._loop.time()
        self.table.restore((node for node in self.known if self.may_send(node.address)), now)
        self.known = ()
        own_id = self.table.own_id
        start: list[Node] = self.table.closest(own_id)
        usable = [address for address in addresses if self.may_send(address)]
        for _ in range(JOIN_TRIES):
            answered, named = await self._ask_for_neighbours(usable)
            start += named
            if answered or start:
                break
        await self.lookup(own_id, partial(FindNode, target=own_id), start)
        return bool(self.table.good_count(self._loop.time()))

    async def _ask_for_neighbours(self, addresses: list[PeerAddress]) -> tuple[bool, list[Node]]:
        """Whether any of these nodes answered, and the nodes they named."""
        own_id = self.table.own_id
        answers = []
        for address in addresses:
            await self._pace.turn()
            answers.append((address, self._send(address, FindNode(own_id, own_id))))
        answered, named = False, []
        for address, answer in answers:
            reply = self._read(address, await answer)
            if reply is not None:
                answered = True
                named += self._named(reply, address)
        return answered, named

    async def maintain(self) -> None:
        """Ask who is still there, and look up what was not for long; until cancelled."""
        while True:
            await asyncio.sleep(MAINTENANCE_SECONDS * self._random.uniform(0.8, 1.2))
            for node in self.table.to_ping(self._loop.time(), MAX_PINGS_AT_ONCE):
                if self.may_send(node.address):
                    await self._pace.turn()
                    await self._ask(node, Ping(self.table.own_id))
            target = self.table.to_refresh(self._loop.time())
            if target is not None and len(self.table):
                await self.lookup(target, partial(FindNode, target=target))

    def stranger(self, address: PeerAddress) -> asyncio.Future[Message | None] | None:
        """Somebody says that a node is there: ask it, unless too many were asked; what it says is taken in."""
        if not self.may_send(address) or not self._strangers.try_take(self._loop.time()):
            return None
        if not self._pace.try_turn():
            return None
        answer = self._send(address, Ping(self.table.own_id))
        answer.add_done_callback(lambda answer: self._read(address, answer.result()))
        return answer

    # Lookups

    async def search(self, info_hash: InfoHash, found: Found, port: int | None) -> int:
        """Look a torrent's peers up and, with a TCP port, announce ourselves.

        Returns how many nodes answered the lookup.
        """

        def took(reply: Reply, address: PeerAddress) -> None:
            usable = [peer for peer in reply.values if self._may_use(peer, address)]
            if usable:
                found(usable)

        def ask(own_id: NodeId) -> Query:
            return GetPeers(own_id, info_hash)

        lookup = await self.lookup(NodeId.of(info_hash), ask, took=took)
        if port is not None:
            announcing = []
            for node, token in lookup.found:
                if token:
                    await self._pace.turn()
                    query = AnnouncePeer(self.table.own_id, info_hash, token, port)
                    announcing.append((node, self._send(node.address, query)))
            for node, answer in announcing:
                self._heard(node, await answer)
        return len(lookup.found)

    async def lookup(
        self,
        target: NodeId,
        make_query: MakeQuery,
        start: Iterable[Node] | None = None,
        took: Callable[[Reply, PeerAddress], None] | None = None,
    ) -> Lookup:
        """Ask ever closer nodes; `took` is given each reply. Ends after LOOKUP_SECONDS at the latest."""
        lookup = Lookup(target, start or self.table.closest(target), self.may_send)
        waiting: dict[asyncio.Future[Message | None], tuple[Node, float]] = {}
        end = self._loop.time() + LOOKUP_SECONDS
        while not lookup.is_done and self._loop.time() < end:
            for node in lookup.take():
                await self._pace.turn()
                answer = self._send(node.address, make_query(self.table.own_id))
                waiting[answer] = (node, self._loop.time() + SLOW_SECONDS)
            pause = max(0.0, min(slow_at for _, slow_at in waiting.values()) - self._loop.time())
            done, _ = await asyncio.wait(
                waiting,
                timeout=pause if pause < math.inf else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for answer in [answer for answer in waiting if answer in done]:
                node, _ = waiting.pop(answer)
                reply = self._heard(node, answer.result())
                if reply is None:
                    lookup.failed(node)
                else:
                    lookup.answered(node, self._named(reply, node.address), reply.token)
                    if took is not None:
                        took(reply, node.address)
            for answer, (node, slow_at) in waiting.items():
                if slow_at <= self._loop.time() + CLOCK_SECONDS:
                    lookup.slow(node)
                    waiting[answer] = (node, math.inf)
        return lookup

    def _named(self, reply: Reply, address: PeerAddress) -> list[Node]:
        """The nodes that a reply names, and that its sender can know; not ourselves."""
        own_id = self.table.own_id
        return [
            node
            for node in reply.nodes
            if node.id != own_id and self._may_use(node.address, address)
        ]

    def _may_use(self, address: PeerAddress, teller: PeerAddress) -> bool:
        """Whether an address that a node named is one to send to."""
        return may_name(teller.host, address.host) and self.may_send(address)

    # Queries out

    async def _ask(self, node: Node, query: Query) -> Reply | None:
        return self._heard(node, await self._send(node.address, query))

    def _send(self, address: PeerAddress, query: Query) -> asyncio.Future[Message | None]:
        public = reach_of(address.host) is Reach.INTERNET
        read_only = public and self._reachability.is_read_only(self._loop.time())
        self._reachability.asked(address)
        return self._socket.query(address, query, read_only=read_only)

    def _heard(self, node: Node, answer: Message | None) -> Reply | None:
        """The reply of a node whose id is known; anything else counts against it."""
        body = answer.body if answer is not None else None
        is_itself = isinstance(body, Reply) and body.sender == node.id
        if not is_itself:
            self.table.failed(node)  # before another id may take its place
        reply = self._read(node.address, answer)
        return reply if is_itself else None

    def _read(self, address: PeerAddress, answer: Message | None) -> Reply | None:
        """The reply, whoever its sender is; the table learns of it."""
        if answer is None or not isinstance(answer.body, Reply):
            return None
        now = self._loop.time()
        if answer.observed is not None and self._own_address.told(answer.observed.host, address):
            self._take_fitting_id()
        self.table.answered(Node(answer.body.sender, address), now)
        return answer.body

    def _take_fitting_id(self) -> None:
        """Others see us at an address that our id does not fit (BEP 42): take another one."""
        host = self._own_address.host
        if host is not None and not fits_address(self.table.own_id, host):
            own_id = id_for_address(host, self._random)
            self.table = self.table.with_id(own_id, self._loop.time())

    def _is_ourselves(self, address: PeerAddress) -> bool:
        ours = self._socket.address
        return address.port == ours.port and address.host in (ours.host, self._own_address.host)

    # Queries in

    def _queried(self, message: Message, query: Query, sender: PeerAddress) -> Message | None:
        now = self._loop.time()
        self._reachability.queried_by(sender, now)
        answer = self._server.answer(message, query, sender, now)
        if answer is None or message.read_only:
            return answer
        if self.table.queried(Node(query.sender, sender), now):
            self.stranger(sender)
        return answer
