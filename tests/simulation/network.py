"""Simulated access links: each machine's blocks go out and come in one after another, at its two rates.

A connection's blocks and messages stay in order, as in a TCP stream; machines share their uplink fairly
among connections. Messages take no bandwidth, only their turn in the stream and the latency.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from jupyter_webtorrent.protocol.messages import Message, Request
from tests.simulation.clock import VirtualClock

WINDOW_BLOCKS = 16
"""Blocks of a connection that the network holds before the sender has to wait, as a TCP window."""

Item: TypeAlias = Request | tuple[Message, ...]
"""What a stream carries: the block that answers a request, or messages."""


class AccessLink:
    """A machine's way to the network. Rates are bytes per second, latency seconds one way."""

    def __init__(self, clock: VirtualClock, up: float, down: float, latency: float) -> None:
        self.clock = clock
        self.up = up
        self.down = down
        self.latency = latency
        self.sent = 0
        """Block bytes that went out."""
        self.busy_seconds = 0.0
        """How long the uplink was in use."""
        self._ready: deque[Stream] = deque()
        self._sending = False
        self._down_free_at = 0.0

    def wake(self, stream: Stream) -> None:
        """The stream has something to send; it stands in the queue once."""
        if not stream.queued:
            stream.queued = True
            self._ready.append(stream)
            if not self._sending:
                self._send_next()

    def _send_next(self) -> None:
        while self._ready:
            stream = self._ready.popleft()
            stream.queued = False
            request = stream.next_block()
            if request is None:
                continue
            self._sending = True
            seconds = request.length / self.up
            self.sent += request.length
            self.busy_seconds += seconds
            self.clock.at(self.clock.now + seconds, partial(self._sent, stream, request))
            return

    def _sent(self, stream: Stream, request: Request) -> None:
        self._sending = False
        stream.left_uplink(request)
        self.wake(stream)
        if not self._sending:
            self._send_next()

    def receive_at(self, arrival: float, length: int) -> float:
        """When a block that arrives here has come in whole."""
        self._down_free_at = max(arrival, self._down_free_at) + length / self.down
        return self._down_free_at


class Stream:
    """One direction of a connection."""

    def __init__(
        self,
        sender: AccessLink,
        receiver: AccessLink,
        deliver: Callable[[Item], None],
        drained: Callable[[], None],
    ) -> None:
        self.queued = False
        self.unsent = 0
        """Block bytes that the sender's machine holds."""
        self.is_open = True
        self._sender = sender
        self._receiver = receiver
        self._deliver = deliver
        self._drained = drained
        self._buffer: deque[Item] = deque()
        self._in_network = 0
        self._delivered_at = 0.0
        self._latency = sender.latency + receiver.latency

    def write(self, item: Item) -> None:
        if isinstance(item, Request):
            self.unsent += item.length
        elif not self._buffer:
            self._message_leaves(item)
            return
        self._buffer.append(item)
        if self._in_network < WINDOW_BLOCKS:
            self._sender.wake(self)

    def next_block(self) -> Request | None:
        """The block to send now, if there is one and the network takes it."""
        if not self.is_open or not self._buffer or self._in_network >= WINDOW_BLOCKS:
            return None
        item = self._buffer[0]
        assert isinstance(item, Request)
        self._in_network += 1
        return item

    def left_uplink(self, request: Request) -> None:
        clock = self._sender.clock
        self.unsent -= request.length
        self._buffer.popleft()
        arrival = max(clock.now + self._latency, self._delivered_at)
        self._delivered_at = self._receiver.receive_at(arrival, request.length)
        clock.at(self._delivered_at, partial(self._block_arrives, request))
        while self._buffer and not isinstance(message := self._buffer[0], Request):
            self._buffer.popleft()
            self._message_leaves(message)
        self._drained()

    def _message_leaves(self, messages: Item) -> None:
        clock = self._sender.clock
        self._delivered_at = max(clock.now + self._latency, self._delivered_at)
        clock.at(self._delivered_at, partial(self._message_arrives, messages))

    def _message_arrives(self, messages: Item) -> None:
        if self.is_open:
            self._deliver(messages)

    def _block_arrives(self, request: Request) -> None:
        self._in_network -= 1
        if self.is_open:
            if self._buffer:
                self._sender.wake(self)
            self._deliver(request)
