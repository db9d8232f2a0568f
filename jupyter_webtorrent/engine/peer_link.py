"""What the swarm's commands need of the way to a peer, whatever it is made of."""

from __future__ import annotations

from typing import Protocol

from jupyter_webtorrent.protocol.messages import Message


class PeerLink(Protocol):
    """The way to one peer of the swarm: a `PeerConnection`, or a `WebSeed`."""

    @property
    def kind(self) -> str:
        """Of transport: tcp, webrtc, webseed…"""

    @property
    def remote(self) -> str:
        """The other end's host and port."""

    @property
    def client(self) -> str:
        """The other end's program, as far as it says."""

    def send(self, messages: tuple[Message, ...]) -> None: ...

    def serve_uploads(self) -> None:
        """There are blocks to send."""

    def close(self, reason: str, *, final: bool = False) -> None:
        """End it now; the swarm is told before this returns.

        `final` says that there is no use in connecting to the other end again.
        """
