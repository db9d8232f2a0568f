"""The session's part in the DHT (BEP 5, BEP 32): a node for IPv4 and one for IPv6, joined when first needed.

Many torrents share it: their searches wait for their turn, and all queries keep to one pace.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from random import Random

from jupyter_webtorrent.net.datagrams import DatagramNetwork
from jupyter_webtorrent.net.dht_node import DhtNode, Found
from jupyter_webtorrent.net.dht_socket import QueryPace
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.trackers.backoff import Backoff
from jupyter_webtorrent.protocol.dht_node import Family
from jupyter_webtorrent.protocol.dht_server import DhtServer
from jupyter_webtorrent.protocol.dht_state import decode_state, encode_state
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.reach import Reach, reach_of
from jupyter_webtorrent.protocol.routing_table import RoutingTable

log = logging.getLogger(__name__)

MAX_SEARCHES = 6
MAX_URGENT_SEARCHES = 4
"""For torrents that have nobody to fetch from: they do not wait behind a thousand seeds."""
CHECK_SECONDS = 60.0

Resolve = Callable[[PeerAddress], Awaitable[list[PeerAddress]]]
"""The IP addresses of a named node; raises OSError."""


async def resolve(address: PeerAddress) -> list[PeerAddress]:
    """Ask the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
    return [PeerAddress(str(name[0]), address.port) for *_, name in found]


class Dht:
    """Open it once; `aclose` ends it. No node is asked before `join`, or before a peer named one."""

    def __init__(
        self,
        bootstrap: Iterable[PeerAddress],
        random: Random,
        *,
        resolve: Resolve = resolve,
    ) -> None:
        self.ready = asyncio.Event()
        """Some node answered: searches make sense."""
        self.trouble = ""
        """Why no node is known, in one line for people."""
        self._bootstrap = tuple(bootstrap)
        self._random = random
        self._resolve = resolve
        self._joining = asyncio.Event()
        self._searches = asyncio.Semaphore(MAX_SEARCHES)
        self._urgent_searches = asyncio.Semaphore(MAX_URGENT_SEARCHES)
        self._nodes: dict[Family, DhtNode] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def can_join(self) -> bool:
        """Whether there is any node to begin with: one to look up or to send to, or one that is known."""
        return any(
            node.has_nodes
            or any(
                node.may_send(named)
                or (reach_of(named.host) is Reach.NOWHERE and not node.loopback_only)
                for named in self._bootstrap
            )
            for node in self._nodes.values()
        )

    @property
    def port(self) -> int | None:
        """Our UDP port, for peers over IPv4 (BEP 5's Port message), or over IPv6 where there is no other."""
        for node in self._nodes.values():
            return node.port
        return None

    @property
    def node_count(self) -> int:
        """Nodes that answered lately, of both families."""
        now = asyncio.get_running_loop().time()
        return sum(node.table.good_count(now) for node in self._nodes.values())

    async def open(
        self, network: DatagramNetwork, host: str, port: int, state: bytes = b""
    ) -> None:
        """Open UDP ports of this number if it is free, else others. `state` is from `export`.

        An empty host means every interface of both families. Raises NetError if none can be opened.
        """
        hosts = await self._hosts(host)
        loop = asyncio.get_running_loop()
        tables: dict[Family, RoutingTable] = {}
        server = DhtServer(tables, loop.time(), self._random)
        pace = QueryPace(loop.time())
        earlier = decode_state(state)
        problem: NetError | None = None
        for each in hosts:
            family = Family.of(each)
            node = DhtNode(
                family,
                tables,
                server,
                pace,
                self._random,
                loopback_only=reach_of(each) is Reach.MACHINE,
            )
            try:
                await self._open_port(node, network, each, port)
            except NetError as error:
                problem = error
                del tables[family]
                continue
            if family in earlier:
                node.restore(earlier[family])
            self._nodes[family] = node
        if not self._nodes and problem is not None:
            raise problem
        for node in self._nodes.values():
            self._tasks += [
                loop.create_task(self._keep_joined(node)),
                loop.create_task(node.maintain()),
            ]

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for node in self._nodes.values():
            await node.aclose()

    def export(self) -> bytes:
        """Ids and nodes, for `open` in a later run."""
        return encode_state({family: node.export() for family, node in self._nodes.items()})

    def join(self) -> None:
        """From now on the bootstrap nodes, and those of an earlier run, may be asked."""
        self._joining.set()

    def add_node(self, address: PeerAddress) -> None:
        """A peer that we are connected to says that its node is there."""
        if reach_of(address.host) is Reach.NOWHERE:
            return
        node = self._nodes.get(Family.of(address.host))
        answer = node.stranger(address) if node is not None else None
        if answer is not None:
            answer.add_done_callback(lambda _: self._check_ready())

    async def search(
        self, info_hash: InfoHash, found: Found, *, port: int | None, urgent: bool = False
    ) -> int:
        """Look peers up when it is our turn; `found` is given them as they come. With a port, announce too.

        Returns how many nodes, close to the info hash, answered.
        """
        turn = self._urgent_searches if urgent else self._searches
        async with turn:
            nodes = self._nodes.values()
            return sum(
                await asyncio.gather(*(node.search(info_hash, found, port) for node in nodes))
            )

    # Joining

    async def _hosts(self, host: str) -> list[str]:
        """The IP addresses to listen on; raises NetError."""
        if not host:
            return ["0.0.0.0", "::"]
        try:
            return list(
                {
                    Family.of(a.host): a.host for a in await self._resolve(PeerAddress(host, 1))
                }.values()
            )
        except OSError as error:
            raise NetError(f"cannot find {host}") from error

    async def _open_port(
        self, node: DhtNode, network: DatagramNetwork, host: str, port: int
    ) -> None:
        try:
            await node.open(network, PeerAddress(host, port))
        except NetError:
            if not port:
                raise
            await node.open(network, PeerAddress(host, 0))

    async def _keep_joined(self, node: DhtNode) -> None:
        """Join, and again whenever every node is lost; until cancelled."""
        backoff = Backoff(self._random)
        await self._joining.wait()
        while True:
            joined = bool(node.table.good_count(asyncio.get_running_loop().time()))
            if not joined:
                addresses, reason = await self._bootstrap_addresses(node)
                joined = await node.join(addresses)
                if not joined:
                    self.trouble = reason or "no DHT node answered"
            self._check_ready()
            if joined:
                backoff.reset()
                await asyncio.sleep(CHECK_SECONDS)
            else:
                await asyncio.sleep(backoff.next())

    def _check_ready(self) -> None:
        if self.node_count:
            self.trouble = ""
            self.ready.set()

    async def _bootstrap_addresses(self, node: DhtNode) -> tuple[list[PeerAddress], str]:
        """The bootstrap nodes' IP addresses, and why there are none.

        A session on this machine alone looks no name up.
        """
        addresses: list[PeerAddress] = []
        reason = "" if self._bootstrap else "no DHT bootstrap node is set"
        for named in self._bootstrap:
            if reach_of(named.host) is not Reach.NOWHERE:
                addresses.append(named)
            elif not node.loopback_only:
                try:
                    addresses += await self._resolve(named)
                except (OSError, UnicodeError):
                    reason = f"the DHT bootstrap node {named.host} cannot be found"
        return [address for address in addresses if node.may_send(address)], reason
