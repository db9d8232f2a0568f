"""The pure model of one torrent: events in, commands out.

A Swarm does no I/O and reads no clock. Its driver tells it what happened (`peer_joined`, `received`,
`piece_stored`, `tick`), then carries out what `take_commands` returns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from random import Random

from jupyter_webtorrent.protocol import extension
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.messages import (
    BitfieldMessage,
    Cancel,
    Choke,
    Extended,
    Have,
    HaveAll,
    HaveNone,
    Interested,
    Message,
    NotInterested,
    Piece,
    Port,
    Reject,
    Request,
    Unchoke,
)
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.swarm.choker import UPLOAD_SLOTS
from jupyter_webtorrent.swarm.commands import (
    Ban,
    Command,
    Complete,
    DhtNodeFound,
    Disconnect,
    Send,
    ServeUploads,
    StorePiece,
)
from jupyter_webtorrent.swarm.download import Downloader
from jupyter_webtorrent.swarm.extensions import Extensions
from jupyter_webtorrent.swarm.holdings import Holdings
from jupyter_webtorrent.swarm.losses import offer_again, take_back
from jupyter_webtorrent.swarm.peer import EarlyPieces, Peer
from jupyter_webtorrent.swarm.rate import RateMeter
from jupyter_webtorrent.swarm.requesting import Requesting
from jupyter_webtorrent.swarm.serving import Serving

REQUEST_TIMEOUT = 30.0


class Swarm:
    """One torrent and its connected peers. All times are seconds of one steady clock."""

    def __init__(
        self,
        info_hash: InfoHash,
        random: Random,
        now: float,
        *,
        client: str = "",
        upload_slots: int = UPLOAD_SLOTS,
        pex: bool = True,
    ) -> None:
        self.info_hash = info_hash
        self.extensions = Extensions(info_hash, client, random, pex=pex)
        self.peers: dict[Peer, None] = {}
        """Who is connected, in the order they came: a set's order would differ from run to run."""
        self.down = RateMeter(now)
        self.up = RateMeter(now)
        self.downloader: Downloader | None = None
        self.sequential = False
        """Whether pieces come in their order, not the rarest first; set before `start`."""
        self.on_demand = False
        """Whether more will be wanted even when nothing is."""
        self._random = random
        self.requesting = Requesting(self.peers, self._send)
        self._serving = Serving(self.peers, upload_slots, random, self._send)
        self.choker = self._serving.choker
        self._holdings = Holdings(self._serving, self._send, self._disconnect)
        self._commands: list[Command] = []

    # What the driver asks

    @property
    def info(self) -> Info | None:
        """Known once `start` was called."""
        return self.extensions.info

    @property
    def is_complete(self) -> bool:
        """Every wanted piece is verified and stored."""
        return self.downloader is not None and self.downloader.is_complete

    @property
    def is_stalled(self) -> bool:
        """There is something to fetch, and nobody connected has it."""
        downloader = self.downloader
        if downloader is None:
            return not self.peers
        return not any(downloader.is_interesting(peer) for peer in self.peers)

    @property
    def have(self) -> Bitfield:
        """The pieces that are verified and on disk."""
        return self.downloader.have if self.downloader is not None else Bitfield(0)

    def take_commands(self) -> list[Command]:
        """What is to be done since the last call, in order."""
        commands, self._commands = self._commands, []
        return commands

    # What the driver tells

    def start(self, info: Info, have: Bitfield, wanted: Collection[int], now: float) -> None:
        """The metadata is known and the disk was checked: transfer. `wanted` holds piece indices."""
        self.extensions.metadata_found(info)
        self.downloader = Downloader(info.layout, have, wanted, self._random)
        self.downloader.picker.sequential = self.sequential
        self.requesting.start(self.downloader)
        self._holdings.start(self.downloader)
        self._serving.start(info.layout, have, self.downloader.picker)
        for peer in list(self.peers):
            try:
                early = peer.early or EarlyPieces()
                peer.have = early.bitfield(info.piece_count)
            except ProtocolError as error:
                self._disconnect(peer, str(error))
                continue
            self.downloader.picker.peer_joined(peer.have)
            peer.early = None
            self._send(peer, *(Have(index) for index in have))
            if peer.extensions is not None:
                self._send_extension_handshake(peer)
            self._holdings.update_interest(peer)
        if self.is_complete:
            self._completed()

    def peer_joined(
        self,
        handshake: Handshake,
        now: float,
        *,
        host: str = "",
        dialled: PeerAddress | None = None,
    ) -> Peer:
        """A peer shook hands, and so did we; returns the peer for later calls.

        `host` is its IP address and `dialled` where we connected to, as far as they are known.
        """
        peer = Peer(
            handshake, now, RateMeter(now), RateMeter(now), host, dialled, moved_at=now, fair_at=now
        )
        self.peers[peer] = None
        if self.info is None:
            peer.early = EarlyPieces()
        else:
            peer.have = Bitfield(self.info.piece_count)
        self._serving.peer_joined(peer, now)
        if handshake.supports_extensions:
            self._send_extension_handshake(peer)
        return peer

    def peer_left(self, peer: Peer, now: float) -> None:
        """The connection is gone; calling it again changes nothing."""
        if peer not in self.peers:
            return
        del self.peers[peer]
        self.extensions.peer_left(peer)
        if self.downloader is not None:
            self.downloader.release(peer)
            if peer.have is not None:
                self.downloader.picker.peer_left(peer.have)
            self.requesting.refill_all(now)
        self._serving.peer_left(peer, seeding=self.is_complete, now=now)
        self._ask_for_metadata(now)

    def received(self, peer: Peer, message: Message, now: float) -> None:
        """A message came. Call `refill` after the last one of a batch.

        Raises ProtocolError: disconnect the peer, then report `peer_left`.
        """
        match message:
            case Piece():
                self._on_block(peer, message, now)
            case Request():
                if self._serving.requested(peer, message):
                    self._commands.append(ServeUploads(peer))
            case Have(index=index):
                self._holdings.has(peer, index, now)
            case Cancel():
                self._serving.cancelled(peer, message)
            case Choke():
                peer.peer_choking = True
                # With the fast extension each request is rejected by name (BEP 6).
                if self.downloader is not None:
                    if peer.supports_fast:
                        self.downloader.disown(peer)
                    else:
                        self.downloader.release(peer)
                    self.requesting.refill_all(now)
            case Unchoke():
                peer.peer_choking = False
                peer.refused.clear()
                peer.requested_at = now
            case Interested():
                self._serving.interested(peer, now)
            case NotInterested():
                self._serving.not_interested(peer, seeding=self.is_complete, now=now)
            case Reject(index=index, begin=begin):
                # Not the answer to a Cancel of ours (BEP 6): that one says nothing of the piece.
                if not peer.peer_choking and (index, begin) in peer.requests:
                    peer.refused.add(index)
                if self.downloader is not None:
                    self.downloader.give_back(peer, index, begin)
            case BitfieldMessage() | HaveAll() | HaveNone():
                self._holdings.told_all(peer, message, now)
                self._serving.peer_spoke(peer, now)
            case Extended():
                self._on_extended(peer, message, now)
                self._serving.peer_spoke(peer, now)
            case Port(port=port):
                if port:
                    self._commands.append(DhtNodeFound(peer, port))
            case _:
                pass  # AllowedFast and SuggestPiece are hints

    def refill(self, peer: Peer, now: float) -> None:
        """Keep the peer's pipeline full."""
        self.requesting.refill(peer, now)

    def piece_stored(self, index: int, now: float, *, ok: bool) -> None:
        """A piece was verified and written; not ok: its hash was wrong, and nothing was written."""
        assert self.downloader is not None
        verdict = self.downloader.stored(index, ok=ok)
        self._cancel(verdict.cancel)
        for culprit in verdict.culprits:
            self._commands.append(Ban(culprit))
            self._disconnect(culprit, f"the peer sent a bad piece {index}", final=True)
        if not ok:
            self.requesting.refill_all(now)
            return
        for peer in self.peers:
            # A super-seed (BEP 16) shows the next piece when it hears that we have the last one.
            if peer.have is None or index not in peer.have or peer in verdict.contributors:
                self._serving.announce(peer, index)
            if peer.am_interested:
                self._holdings.update_interest(peer)
        if self.downloader.is_complete:
            self._completed()
        elif not self.downloader.unverified_bytes or verdict.culprits:
            self.requesting.refill_all(now)

    def select(self, wanted: Bitfield, preferred: Sequence[Bitfield], now: float) -> None:
        """Other pieces are wanted from now on, the `preferred` sets of them before the rest."""
        assert self.downloader is not None
        self.downloader.picker.preferred = preferred
        was_complete = self.is_complete
        self._cancel(self.downloader.want(wanted))
        for peer in self.peers:
            self._holdings.update_interest(peer)
        if not self.is_complete:
            self.requesting.refill_all(now)
        elif not was_complete:
            self._completed()

    def reader_moved(self, reader: object, waiting: range, ahead: range, now: float) -> None:
        """A reader waits for pieces, and will come to those `ahead`: they come before all others."""
        assert self.downloader is not None
        self.downloader.readers.move(reader, waiting, ahead, self.downloader.missing, now)
        fastest_first = sorted(self.peers, key=lambda peer: -peer.pipeline.rate)
        for peer in fastest_first if self.downloader.readers.order else ():
            self.refill(peer, now)

    def reader_closed(self, reader: object) -> None:
        """A reader needs nothing any more; closing it again changes nothing."""
        if self.downloader is not None:
            self.downloader.readers.close(reader, self.downloader.missing)

    def piece_not_stored(self, index: int) -> None:
        """The disk did not take the piece."""
        assert self.downloader is not None
        self.downloader.not_stored(index)

    def lose(self, pieces: Bitfield, now: float, *, refetch: bool) -> None:
        """These pieces are not on the disk as they should be: tell whoever may want them.

        They are fetched again only if `refetch`: not if a person changed the file they are in.
        """
        assert self.downloader is not None
        was_complete = self.is_complete
        had = pieces & self.downloader.have
        for index in pieces:
            self.downloader.lose(index, refetch=refetch)
        told = {peer: self._serving.told(peer, had) for peer in self.peers}
        self._commands += take_back(told, had)
        self._serving.lost(had)
        for peer in self.peers:
            self._holdings.update_interest(peer)
        self.requesting.refill_all(now)
        if self.is_complete and not was_complete:
            self._completed()

    def regain(self, pieces: Bitfield) -> None:
        """Lost pieces turned out to be as they should be."""
        assert self.downloader is not None
        for index in pieces:
            self.downloader.regain(index)
        open_to = [peer for peer in self.peers if not self._serving.hides_from(peer)]
        self._commands += offer_again(open_to, pieces)

    def reject(self, peer: Peer, request: Request) -> None:
        """A block that was taken to be sent cannot be read."""
        if peer.supports_fast:
            self._send(peer, Reject(request.index, request.begin, request.length))
        else:
            self._disconnect(peer, "a block it asked for cannot be read")

    def block_sent(self, peer: Peer, count: int) -> None:
        """A block of `count` bytes went out."""
        peer.up.add(count)
        self.up.add(count)

    def tick(self, now: float) -> None:
        """Once a second: rates, choking, time-outs."""
        self.down.sample(now)
        self.up.sample(now)
        if self.downloader is not None:
            self.downloader.measure(self.peers)
        for peer in list(self.peers):
            peer.sample(now)
            if peer.requests and now - peer.requested_at > REQUEST_TIMEOUT:
                self._disconnect(peer, f"no block came in {REQUEST_TIMEOUT:.0f} s")
        self._commands += self.extensions.tick(self.peers, now)
        self._ask_for_metadata(now)
        self._serving.tick(seeding=self.is_complete, now=now)
        self.requesting.refill_all(now)

    # Pieces and blocks

    def _on_block(self, peer: Peer, piece: Piece, now: float) -> None:
        if self.downloader is None:
            raise ProtocolError("a block came before it could be asked for")
        peer.down.add(len(piece.block))
        self.down.add(len(piece.block))
        receipt = self.downloader.receive(peer, piece, now)
        if receipt.used:
            peer.requested_at = now
        for other in receipt.cancel:
            self._send(other, Cancel(piece.index, piece.begin, len(piece.block)))
        if receipt.completed is not None:
            self._commands.append(StorePiece(piece.index, receipt.completed.data))

    def _completed(self) -> None:
        self._commands.append(Complete())
        for peer in list(self.peers):
            self._holdings.drop_if_both_complete(peer)

    # Extensions

    def _send_extension_handshake(self, peer: Peer) -> None:
        self._send(
            peer,
            self.extensions.handshake(
                upload_only=self.is_complete
                and not (self.on_demand or self._serving.hides_from(peer))
            ),
        )

    def _on_extended(self, peer: Peer, message: Extended, now: float) -> None:
        if message.extension == extension.OUR_IDS[extension.LT_DONTHAVE]:
            self._holdings.has_not(peer, extension.decode_dont_have(message.payload))
            return
        self._commands += self.extensions.received(peer, message, now)
        if message.extension == extension.HANDSHAKE_ID:
            self._ask_for_metadata(now)

    def _ask_for_metadata(self, now: float) -> None:
        self._commands += self.extensions.ask_for_metadata(self.peers, now)

    # Commands

    def _send(self, peer: Peer, *messages: Message) -> None:
        if messages:
            self._commands.append(Send(peer, messages))

    def _cancel(self, requests: Iterable[tuple[Peer, Request]]) -> None:
        for peer, request in requests:
            self._send(peer, Cancel(request.index, request.begin, request.length))

    def _disconnect(self, peer: Peer, reason: str, *, final: bool = False) -> None:
        self._commands.append(Disconnect(peer, reason, final))
