"""Connections that came in and have not shaken hands yet: few in all, and few from one host.

Who is let wait is whoever came last: an honest peer shakes hands at once, a silent one is in the way until
it is the oldest. A school's or a Hub's machines share one address, so finished peers are never counted by it.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.peer_connection import HandshakeRouter, PeerConnection
from jupyter_webtorrent.net.transport import Transport


class IncomingConnections:
    """Takes transports in, and forgets each once it is a torrent's, or gone."""

    def __init__(self, config: EngineConfig, router: HandshakeRouter) -> None:
        self.config = config
        self._router = router
        self._waiting: dict[PeerConnection, None] = {}
        """Oldest first."""
        self._by_host: Counter[str] = Counter()

    def accepted(self, transport: Transport) -> None:
        """Somebody connected: wait for the handshake, and let the oldest go if that is one too many."""
        connection = PeerConnection(transport, self.config, outgoing=False, router=self._router)
        host = connection.address_host
        self._waiting[connection] = None
        self._by_host[host] += 1
        connection.start()
        if self._by_host[host] > self.config.max_half_open_per_address:
            oldest = next(each for each in self._waiting if each.address_host == host)
            oldest.close("too many connections from this address without a handshake")
        elif len(self._waiting) > self.config.max_half_open:
            next(iter(self._waiting)).close("too many connections without a handshake")

    def finished(self, connection: PeerConnection) -> None:
        """It has shaken hands, or it has ended."""
        if connection not in self._waiting:
            return
        del self._waiting[connection]
        host = connection.address_host
        self._by_host[host] -= 1
        if not self._by_host[host]:
            del self._by_host[host]

    async def aclose(self) -> None:
        await asyncio.gather(*(each.aclose("closing") for each in list(self._waiting)))
