"""Connections that came in and have not shaken hands yet: few in all, and few from one host; then to which torrent.

Who is let wait is whoever came last: an honest peer shakes hands at once, a silent one is in the way until
it is the oldest. A school's or a Hub's machines share one address, so finished peers are never counted by it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.peer_connection import ConnectionOwner, PeerConnection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.transport import Transport
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash


class IncomingConnections:
    """Takes transports in, and forgets each once it is a torrent's, or gone. Implements `HandshakeRouter`."""

    def __init__(self, services: Services, torrents: Mapping[InfoHash, Torrent]) -> None:
        self._services = services
        self._torrents = torrents
        self._waiting: dict[PeerConnection, None] = {}
        """Oldest first."""
        self._by_host: Counter[str] = Counter()

    def accepted(self, transport: Transport) -> None:
        """Somebody connected: wait for the handshake, and let the oldest go if that is one too many."""
        config = self._services.config
        transport = self._services.obfuscation.incoming(transport)
        connection = PeerConnection(transport, config, outgoing=False, router=self)
        host = connection.address_host
        self._waiting[connection] = None
        self._by_host[host] += 1
        connection.start()
        if self._by_host[host] > config.max_half_open_per_address:
            oldest = next(each for each in self._waiting if each.address_host == host)
            oldest.close("too many connections from this address without a handshake")
        elif len(self._waiting) > config.max_half_open:
            next(iter(self._waiting)).close("too many connections without a handshake")

    def route(self, connection: PeerConnection, handshake: Handshake) -> ConnectionOwner:
        torrent = self._torrents.get(handshake.info_hash)
        if torrent is None or not torrent.is_running:
            raise EngineError(f"no torrent {handshake.info_hash} here")
        self._forget(connection)
        return torrent.peering

    def connection_ended(self, connection: PeerConnection, reason: str) -> None:
        self._forget(connection)

    async def aclose(self) -> None:
        await asyncio.gather(*(each.aclose("closing") for each in list(self._waiting)))

    def _forget(self, connection: PeerConnection) -> None:
        if connection not in self._waiting:
            return
        del self._waiting[connection]
        host = connection.address_host
        self._by_host[host] -= 1
        if not self._by_host[host]:
            del self._by_host[host]
