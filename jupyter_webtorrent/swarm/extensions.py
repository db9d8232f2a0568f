"""What peers tell each other beside the pieces: the extension handshake (BEP 10), the info dictionary (BEP 9)
and other peers' addresses (BEP 11).

Which pieces a peer has, lt_donthave (BEP 54) too, is the swarm's own business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from random import Random

from jupyter_webtorrent.protocol import extension
from jupyter_webtorrent.protocol.extension import ExtensionHandshake
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.messages import Extended
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.swarm.commands import (
    Command,
    Disconnect,
    PeersFound,
    Send,
    ServeUploads,
    UseMetadata,
)
from jupyter_webtorrent.swarm.metadata import COPY_TIMEOUT, MetadataExchange, may_ask, serve
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.peer_exchange import PeerExchange

REQUEST_QUEUE = 500
"""Unanswered requests of one peer that we keep (`reqq`)."""


class Extensions:
    """One torrent's side of the extension protocol: messages in, commands out."""

    def __init__(self, info_hash: InfoHash, client: str, random: Random, *, pex: bool) -> None:
        self.info: Info | None = None
        self.listen_port: int | None = None
        """Told to peers, so that they can connect back."""
        self._client = client
        self._metadata = MetadataExchange(info_hash)
        self._pex = pex
        self._peer_exchange = PeerExchange(random) if pex else None

    def metadata_found(self, info: Info) -> None:
        """The info dictionary is known: it is asked of nobody any more, and given to whoever asks."""
        self.info = info
        self._metadata.found()
        if info.private:
            self._peer_exchange = None

    def handshake(self, *, upload_only: bool) -> Extended:
        """Ours; another one says all of it again.

        ut_pex stands in the first already, though the torrent may turn out private: libtorrent forgets what is
        not there, and then drops whoever uses it. Nothing is told or believed before that is known.
        """
        ids = dict(extension.OUR_IDS)
        if not self._pex:
            del ids[extension.UT_PEX]
        elif self._peer_exchange is None:
            ids[extension.UT_PEX] = 0
        ours = ExtensionHandshake(
            ids=ids,
            metadata_size=len(self.info.raw) if self.info is not None else None,
            listen_port=self.listen_port,
            client=self._client,
            request_queue=REQUEST_QUEUE,
            upload_only=upload_only,
        )
        return Extended(extension.HANDSHAKE_ID, ours.encode())

    def received(self, peer: Peer, message: Extended, now: float) -> list[Command]:
        """A message of one of our extensions; others are ignored. Raises ProtocolError."""
        if message.extension == extension.HANDSHAKE_ID:
            told = ExtensionHandshake.decode(message.payload)
            known = peer.extensions
            peer.extensions = told if known is None else known.updated_by(told)
        elif message.extension == extension.OUR_IDS[extension.UT_METADATA]:
            return self._on_metadata(peer, message.payload, now)
        elif message.extension == extension.OUR_IDS[extension.UT_PEX]:
            return self._on_peers(peer, message.payload, now)
        return []

    def peer_left(self, peer: Peer) -> None:
        self._metadata.forget(peer)
        if self._peer_exchange is not None:
            self._peer_exchange.forget(peer)

    def ask_for_metadata(self, peers: Iterable[Peer], now: float) -> list[Command]:
        return [Send(peer, tuple(requests)) for peer, requests in self._metadata.ask(peers, now)]

    def tick(self, peers: Collection[Peer], now: float) -> list[Command]:
        """Drop who owes us the info dictionary for too long; tell peers of each other."""
        reason = f"no metadata came in {COPY_TIMEOUT:.0f} s"
        commands: list[Command] = [Disconnect(peer, reason) for peer in self._metadata.late(now)]
        if self._peer_exchange is not None and self.info is not None:
            commands += self._peer_exchange.tick(peers, now)
        return commands

    def _on_peers(self, peer: Peer, payload: bytes, now: float) -> list[Command]:
        if self._peer_exchange is None or self.info is None:
            return []
        addresses = self._peer_exchange.received(peer, payload, now)
        return [PeersFound(addresses)] if addresses else []

    def take_metadata(self, peer: Peer) -> Extended | None:
        """The next piece of the info dictionary to send, in the order they were asked for."""
        number = peer.extension_id(extension.UT_METADATA)
        if self.info is None or not number or not peer.metadata_requests:
            return None
        return Extended(number, serve(self.info.raw, peer.metadata_requests.popleft()).encode())

    def _on_metadata_request(self, peer: Peer, piece: int) -> list[Command]:
        number = peer.extension_id(extension.UT_METADATA)
        if not number:
            return []
        raw = None if self.info is None else self.info.raw
        if not may_ask(raw, piece, peer.metadata_served):
            return [Send(peer, (Extended(number, extension.MetadataReject(piece).encode()),))]
        peer.metadata_served += 1
        peer.metadata_requests.append(piece)
        return [ServeUploads(peer)]

    def _on_metadata(self, peer: Peer, payload: bytes, now: float) -> list[Command]:
        match extension.decode_metadata_message(payload):
            case extension.MetadataRequest(piece=piece):
                return self._on_metadata_request(peer, piece)
            case extension.MetadataData() as data:
                info = self._metadata.receive(peer, data)
                if info is not None:
                    return [UseMetadata(info)]
                return self.ask_for_metadata([peer], now)
            case extension.MetadataReject():
                self._metadata.rejected(peer, now)
            case None:
                pass
        return []
