"""Which TCP connections are obfuscated (`protocol.mse`), as the settings say, and how many may begin so."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from jupyter_webtorrent.engine.config import EncryptionMode
from jupyter_webtorrent.net.mse import IncomingMse, OutgoingMse
from jupyter_webtorrent.net.transport import Transport
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.mse import ANY_METHOD, Method, MseInitiator, MseResponder
from jupyter_webtorrent.protocol.token_bucket import TokenBucket

HANDSHAKES_A_SECOND = 50
"""That strangers may begin: each costs a millisecond of arithmetic, so a flood of them a twentieth of a core."""
HANDSHAKE_BURST = 14
"""So many at once after a pause."""


class Obfuscation:
    """Wraps transports. `torrents` are those that strangers may come for."""

    def __init__(
        self,
        mode: EncryptionMode,
        random: Random,
        torrents: Callable[[], list[InfoHash]],
        clock: Callable[[], float],
    ) -> None:
        self._mode = mode
        self._methods = Method.RC4 if mode == "require" else ANY_METHOD
        self._random = random
        self._torrents = torrents
        self._clock = clock
        self._budget = TokenBucket(HANDSHAKES_A_SECOND, HANDSHAKE_BURST, 0.0)

    def incoming(self, transport: Transport) -> Transport:
        """A peer dialled us."""
        if self._mode == "off":
            return transport
        return IncomingMse(transport, self._respond, plain=self._mode != "require")

    def outgoing(self, transport: Transport, info_hash: InfoHash, *, obfuscated: bool) -> Transport:
        """We dialled; `obfuscated` says how, where we may choose."""
        if self._mode == "off" or (self._mode == "prefer" and not obfuscated):
            return transport

        def initiate(payload: bytes) -> MseInitiator:
            return MseInitiator(info_hash, self._random, self._methods, payload)

        return OutgoingMse(transport, initiate)

    def _respond(self) -> MseResponder:
        if not self._budget.try_take(self._clock()):
            raise ProtocolError("too many encrypted handshakes at once")
        return MseResponder(self._torrents, self._random, self._methods)
