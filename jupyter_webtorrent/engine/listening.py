"""A session's TCP port: opened once, at the number that is set or that the session before had."""

from __future__ import annotations

import logging
from collections.abc import Callable

from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.transport import Listener, Transport
from jupyter_webtorrent.protocol.identity import PeerAddress

log = logging.getLogger(__name__)


class SessionListener:
    """Opened by `open`, if TCP is used at all."""

    def __init__(
        self, services: Services, port: int, accepted: Callable[[Transport], None]
    ) -> None:
        """`port` is tried first where any will do."""
        self._services = services
        self._port = port
        self._accepted = accepted
        self._listener: Listener | None = None

    @property
    def is_to_open(self) -> bool:
        return self._listener is None and "tcp" in self._services.config.transports

    async def open(self) -> PeerAddress:
        """The address it listens on; raises NetError."""
        config = self._services.config
        host, port = config.listen_host, config.listen_port
        if port and not config.listen_elsewhere:
            return await self._open(PeerAddress(host, port))
        for wish in filter(None, dict.fromkeys((port, self._port))):
            try:
                return await self._open(PeerAddress(host, wish))
            except NetError as error:
                log.log(
                    logging.WARNING if wish == port else logging.INFO, "%s: any other does", error
                )
        return await self._open(PeerAddress(host, 0))

    async def require_free(self, address: PeerAddress) -> None:
        """Raise NetError for an address that nothing could listen on, unless this does."""
        ours = self._services.listening
        if ours is None or not address.port or ours.port != address.port:
            listener = await self._services.network.listen(
                address, lambda transport: transport.close("not open yet")
            )
            await listener.aclose()

    async def aclose(self) -> None:
        if self._listener is not None:
            await self._listener.aclose()

    async def _open(self, address: PeerAddress) -> PeerAddress:
        self._listener = await self._services.network.listen(address, self._accepted)
        return self._listener.address
