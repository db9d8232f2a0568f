"""One TCP port of this machine, mapped at the gateway and kept so (NAT-PMP, then UPnP); taken back at the end.

What is done with the address that comes of it is left to the session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.gateway import Gateway, Mapped, MappingMethod
from jupyter_webtorrent.net.nat_pmp import NatPmp
from jupyter_webtorrent.net.trackers.backoff import Backoff
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.protocol.reach import Reach, reach_of

log = logging.getLogger(__name__)

LEASE_SECONDS = 3600
SHORTEST_LEASE = 120.0
"""A gateway that gives less is not asked more often all the same."""
CLOSE_SECONDS = 2.0


class PortMapping:
    """Asks for the mapping in the background, and renews it when half of its lease has gone."""

    def __init__(
        self, port: int, new_methods: Callable[[], Sequence[MappingMethod]], random: Random
    ) -> None:
        """`new_methods` finds the ways to ask for a port: anew after each failure, for networks change."""
        self._port = port
        self._new_methods = new_methods
        self._methods: Sequence[MappingMethod] = ()
        self._random = random
        self._keeping: asyncio.Task[None] | None = None
        self._known = asyncio.Event()
        self.address: PeerAddress | None = None
        """Where the internet reaches this machine, if the gateway's own address is a public one."""
        self.message = "asking the gateway"
        """What became of it, in one line."""

    def start(self) -> None:
        self._keeping = asyncio.create_task(self._keep())

    async def known(self) -> None:
        """Wait until the gateway has given a port or no way to ask it is left, which takes some seconds."""
        await self._known.wait()

    async def aclose(self) -> None:
        """Take the mapping back, as far as the gateway answers within CLOSE_SECONDS."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                removals = (method.unmap() for method in self._methods)
                for failure in await asyncio.gather(*removals, return_exceptions=True):
                    if failure is not None:
                        log.info("the port mapping stays for a while: %s", failure)

    async def _keep(self) -> None:
        backoff = Backoff(self._random)
        while True:
            lease = await self._map()
            self._known.set()
            if lease:
                backoff.reset()
                await asyncio.sleep(lease / 2 * self._random.uniform(0.9, 1.0))
            else:
                await asyncio.sleep(backoff.next())

    async def _map(self) -> float:
        """Ask in each way until one succeeds, then in that one; the lease's seconds, or 0."""
        self._methods = self._methods or self._new_methods()
        reasons = []
        for method in self._methods:
            try:
                mapped = await method.map(self._port, LEASE_SECONDS)
            except NetError as error:
                reasons.append(f"{method.name}: {error}")
            else:
                self._methods = [method]
                self._mapped(method, mapped)
                return min(max(mapped.lifetime, SHORTEST_LEASE), LEASE_SECONDS)
        self._methods = ()
        self.address = None
        self.message = "; ".join(reasons) or "no gateway of this machine is known"
        return 0.0

    def _mapped(self, method: MappingMethod, mapped: Mapped) -> None:
        if reach_of(mapped.host) is Reach.INTERNET:
            self.address = PeerAddress(mapped.host, mapped.port)
            self.message = f"{self.address}, mapped by {method.name}"
        else:
            self.address = None
            self.message = (
                f"mapped by {method.name}, but the gateway's own address, {one_line(mapped.host)},"
                " cannot be reached from the internet"
            )


def mapping_methods(gateway: Gateway | None, random: Random) -> Sequence[MappingMethod]:
    """All ways to ask a gateway, best first."""
    return () if gateway is None else (NatPmp(gateway), _LazyUpnp(gateway, random))


class _LazyUpnp:
    """UPnP, once it is needed: its library is an extra, and slow to import."""

    name = "UPnP"

    def __init__(self, gateway: Gateway, random: Random) -> None:
        self._gateway = gateway
        self._random = random
        self._method: MappingMethod | None = None

    async def map(self, port: int, lifetime: int) -> Mapped:
        if self._method is None:
            try:
                from jupyter_webtorrent.net.upnp import Upnp
            except ModuleNotFoundError:
                raise NetError("it needs pip install 'jupyter-webtorrent[upnp]'") from None
            self._method = Upnp(self._gateway, self._random)
        return await self._method.map(port, lifetime)

    async def unmap(self) -> None:
        if self._method is not None:
            await self._method.unmap()
