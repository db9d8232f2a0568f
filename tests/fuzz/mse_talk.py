"""Both sides of an encrypted handshake as functions of what the other side sends, cut as the first byte says.

All that is random comes from seeds, so that a recorded handshake is one that succeeds, and changed bits of it are
changed bits of what was encrypted.
"""

from __future__ import annotations

from random import Random

from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.mse import (
    ANY_METHOD,
    MAX_PAD_BYTES,
    MAX_PAYLOAD_BYTES,
    Method,
    MseHandshake,
    MseInitiator,
    MseResponder,
)

INFO_HASH = InfoHash(bytes(range(20)))
PAYLOAD = b"\x13BitTorrent protocol" + bytes(48)
MAX_SENT_BYTES = 4 * MAX_PAD_BYTES


def _initiator() -> tuple[MseInitiator, bytes]:
    initiator = MseInitiator(INFO_HASH, Random(1), ANY_METHOD, PAYLOAD)
    return initiator, initiator.begin()


def _responder(methods: Method) -> MseResponder:
    return MseResponder(lambda: [InfoHash(bytes(20)), INFO_HASH], Random(2), methods)


def _hear(handshake: MseHandshake, data: bytes) -> None:
    """Feed it until it is done; what it keeps and what it answers stay small."""
    step, sent = 1 + (data[0] if data else 0), 0
    for start in range(1, len(data), step):
        sent += len(handshake.receive(data[start : start + step]))
        assert sent <= MAX_SENT_BYTES
        if handshake.is_done:
            break
        assert len(handshake._received) <= MAX_PAYLOAD_BYTES + step
    assert handshake.is_done or not handshake.payload
    assert (handshake.encryptor is None) == (handshake.decryptor is None)


def dialled(data: bytes) -> None:
    """Be the side that was dialled, by one who sends this."""
    _hear(_responder(ANY_METHOD), data)


def dialled_for_rc4(data: bytes) -> None:
    """The same where plain text is not allowed."""
    _hear(_responder(Method.RC4), data)


def dialling(data: bytes) -> None:
    """Be the side that dialled one who answers this."""
    initiator, _ = _initiator()
    _hear(initiator, data)


def _talk(methods: Method) -> tuple[bytes, bytes]:
    """What each side of a handshake that succeeds sends: who dialled, and who was dialled."""
    (initiator, opening), responder = _initiator(), _responder(methods)
    answer = responder.receive(opening)
    proof = initiator.receive(answer)
    choice = responder.receive(proof)
    initiator.receive(choice)
    assert initiator.is_done
    assert responder.payload == PAYLOAD
    return opening + proof, answer + choice


PLAIN_TALK, RC4_TALK = _talk(ANY_METHOD), _talk(Method.RC4)
