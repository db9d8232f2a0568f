"""A transport over another whose first bytes are the obfuscated handshake of `protocol.mse`."""

from __future__ import annotations

from collections.abc import Callable

from jupyter_webtorrent.net.transport import Buffer, Receiver, Transport, TransportKind
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.handshake import PROTOCOL_HEADER
from jupyter_webtorrent.protocol.mse import MseHandshake, MseInitiator, MseResponder, Rc4

HANDSHAKE_BUFFER_BYTES = 1 << 12
TELLING_BYTES = 16
"""A key is text up to here once in millions: whoever begins with text speaks something else, HTTP perhaps."""
_TEXT = frozenset((*range(32, 127), *b"\r\n"))


class MseTransport:
    """Shakes hands, then passes on the same bytes: encrypted, if that is what both sides agreed on.

    Implements `Transport`, and `Receiver` for the one below. What is written before the handshake is over goes
    out right after it, or along with it.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._receiver: Receiver | None = None
        self._handshake: MseHandshake | None = None
        self._settled = False
        """Whether the handshake is over, if there is one."""
        self._pending: list[Buffer] = []
        self._buffer = bytearray(HANDSHAKE_BUFFER_BYTES)
        self._view = memoryview(b"")
        """The receiver's space that the next bytes go to."""
        self._encryptor: Rc4 | None = None
        self._decryptor: Rc4 | None = None
        self._ended = False

    # Transport

    @property
    def kind(self) -> TransportKind:
        return self._inner.kind

    @property
    def remote(self) -> str:
        return self._inner.remote

    @property
    def unsent(self) -> int:
        return self._inner.unsent + sum(len(part) for part in self._pending)

    def start(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._inner.start(self)

    def write(self, *parts: Buffer) -> None:
        if not self._settled:
            self._pending += parts
        elif self._encryptor is None:
            self._inner.write(*parts)
        else:
            data = bytearray().join(parts)
            self._encryptor.apply_in_place(data)
            self._inner.write(data)

    async def drain(self) -> None:
        await self._inner.drain()

    def close(self, reason: str) -> None:
        self._inner.close(reason)

    async def aclose(self) -> None:
        await self._inner.aclose()

    # Receiver

    def get_buffer(self) -> memoryview:
        if self._settled:
            assert self._receiver is not None
            self._view = self._receiver.get_buffer()
        else:
            self._view = memoryview(self._buffer)
        return self._view

    def buffer_updated(self, count: int) -> None:
        if self._settled:
            assert self._receiver is not None
            if self._decryptor is not None:
                self._decryptor.apply_in_place(self._view[:count])
            self._receiver.buffer_updated(count)
            return
        try:
            self._shake_hands(bytes(self._view[:count]))
        except ProtocolError as error:
            self.close(str(error))

    def closed(self, reason: str) -> None:
        self._ended = True
        if self._receiver is not None:
            self._receiver.closed(reason)

    # The handshake

    def _shake_hands(self, data: bytes) -> None:
        assert self._handshake is not None
        if answer := self._handshake.receive(data):
            self._inner.write(answer)
        if self._handshake.is_done:
            self._encryptor = self._handshake.encryptor
            self._decryptor = self._handshake.decryptor
            self._settle(self._handshake.payload)
            self._handshake = None

    def _settle(self, payload: bytes) -> None:
        """The handshake is over: hand on what came after it, and send what waits."""
        self._settled = True
        self._buffer = bytearray()
        pending, self._pending = self._pending, []
        if pending:
            self.write(*pending)
        assert self._receiver is not None
        left = memoryview(payload)
        while left and not self._ended:
            space = self._receiver.get_buffer()
            count = min(len(space), len(left))
            space[:count] = left[:count]
            self._receiver.buffer_updated(count)
            left = left[count:]


class OutgoingMse(MseTransport):
    """We dialled, and begin: `initiate` gets what was written so far, to be sent along."""

    def __init__(self, inner: Transport, initiate: Callable[[bytes], MseInitiator]) -> None:
        super().__init__(inner)
        self._initiate = initiate

    def start(self, receiver: Receiver) -> None:
        handshake = self._initiate(b"".join(self._pending))
        self._pending = []
        self._handshake = handshake
        self._inner.write(handshake.begin())
        super().start(receiver)


class IncomingMse(MseTransport):
    """A peer dialled: what does not begin as BitTorrent does is taken for an obfuscated handshake.

    `respond` is called when that is so; it raises ProtocolError if there can be none now.
    """

    def __init__(
        self, inner: Transport, respond: Callable[[], MseResponder], *, plain: bool
    ) -> None:
        super().__init__(inner)
        self._respond = respond
        self._plain = plain
        """Whether a handshake that hides nothing is taken too."""
        self._first = b""

    def _shake_hands(self, data: bytes) -> None:
        if self._handshake is None:
            self._first += data
            data = self._first
            if data[: len(PROTOCOL_HEADER)] == PROTOCOL_HEADER:
                if not self._plain:
                    raise ProtocolError("the peer's handshake is not encrypted, as it has to be")
                self._settle(data)
                return
            beginning = data[:TELLING_BYTES]
            if len(beginning) < TELLING_BYTES or PROTOCOL_HEADER.startswith(beginning):
                return
            if all(byte in _TEXT for byte in beginning):
                raise ProtocolError("the peer does not speak the BitTorrent protocol")
            self._handshake = self._respond()
        super()._shake_hands(data)
