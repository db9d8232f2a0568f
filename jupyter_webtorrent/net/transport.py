"""What a connection is to the code above it: few verbs, so that TCP, WebRTC and memory all fit.

A transport moves a byte stream. Message boundaries mean nothing, nothing is awaited per message, and
received bytes land in a buffer that the receiver owns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from jupyter_webtorrent.protocol.identity import PeerAddress

Buffer: TypeAlias = bytes | bytearray | memoryview
TransportKind: TypeAlias = Literal["tcp", "webrtc", "memory"]

HIGH_WATER = 3 << 18
"""Unsent bytes past which a writer should wait in `drain`: a block more stays below 1 MiB (limits)."""


class Receiver(Protocol):
    """Where a transport's bytes go. All calls come from the event loop's thread."""

    def get_buffer(self) -> memoryview:
        """Space to receive into: writable and at least one byte long."""

    def buffer_updated(self, count: int) -> None:
        """`count` bytes now stand at the start of the buffer last handed out."""

    def closed(self, reason: str) -> None:
        """The connection is gone, for a reason a person can read; called exactly once."""


class Transport(Protocol):
    """One connection to one peer."""

    @property
    def kind(self) -> TransportKind: ...

    @property
    def remote(self) -> str:
        """The other end, for people: `192.0.2.7:6881`."""

    @property
    def unsent(self) -> int:
        """Bytes that `write` took and the network has not."""

    def start(self, receiver: Receiver) -> None:
        """Begin to deliver bytes; called once, before any byte is delivered."""

    def write(self, *parts: Buffer) -> None:
        """Queue bytes in order, without a copy where the platform allows: a part must not change until sent.

        Gathered and sent once a loop turn. Ignored once the connection is closed.
        """

    async def drain(self) -> None:
        """Wait until `unsent` is well below HIGH_WATER, or the connection is closed."""

    def close(self, reason: str) -> None:
        """Close now, unsent bytes lost; `receiver.closed(reason)` follows from the loop."""

    async def aclose(self) -> None:
        """Close and wait until every resource is released."""


class Listener(Protocol):
    """Something that takes connections in until it is closed."""

    @property
    def address(self) -> PeerAddress:
        """The host it was asked to listen on, and the port it has."""

    async def aclose(self) -> None: ...


class Network(Protocol):
    """Where streams to peers come from: TCP, or a network in memory for tests."""

    async def listen(self, address: PeerAddress, accepted: Callable[[Transport], None]) -> Listener:
        """Take connections in; port 0 means any. Raises NetError."""

    async def dial(self, address: PeerAddress) -> Transport:
        """Connect to a peer; the caller sets the time limit. Raises NetError."""
