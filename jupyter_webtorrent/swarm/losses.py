"""What peers are told when pieces of ours turn out to be gone, or to be there after all (BEP 54)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jupyter_webtorrent.protocol import extension
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.messages import Extended, Have, Message
from jupyter_webtorrent.swarm.commands import Command, Disconnect, Send
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.uploads import Uploads


def take_back(told: Mapping[Peer, Bitfield], pieces: Bitfield) -> list[Command]:
    """Turn down what waits for these pieces, and tell whoever does not have them that we do not either.

    `told` says which of them each peer knows us to have had.
    """
    commands: list[Command] = []
    for peer, known in told.items():
        messages: list[Message] = []
        rejects = Uploads.forget(peer, pieces)
        if peer.supports_fast:
            messages += rejects
        believed = _not_had_by(peer, known)
        number = peer.extension_id(extension.LT_DONTHAVE)
        if number:
            messages += [Extended(number, extension.encode_dont_have(index)) for index in believed]
        elif believed.any() or (rejects and not peer.supports_fast):
            commands.append(Disconnect(peer, "it cannot be told that pieces are gone"))
            continue
        if messages:
            commands.append(Send(peer, tuple(messages)))
    return commands


def offer_again(peers: Iterable[Peer], pieces: Bitfield) -> list[Command]:
    """Tell whoever does not have these pieces that we do."""
    commands: list[Command] = []
    for peer in peers:
        messages = tuple(Have(index) for index in _not_had_by(peer, pieces))
        if messages:
            commands.append(Send(peer, messages))
    return commands


def _not_had_by(peer: Peer, pieces: Bitfield) -> Bitfield:
    return pieces if peer.have is None else pieces - peer.have
