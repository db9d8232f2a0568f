"""The obfuscated handshake: two sides that meet, and strangers that do not play by the rules."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.mse import (
    ANY_METHOD,
    KEY_BYTES,
    MAX_PAD_BYTES,
    MAX_PAYLOAD_BYTES,
    PRIME,
    Method,
    MseHandshake,
    MseInitiator,
    MseResponder,
)

OURS = InfoHash(b"o" * 20)
OTHERS = [InfoHash(bytes([number]) * 20) for number in range(50)]
LONGEST_HANDSHAKE = KEY_BYTES + 2 * MAX_PAD_BYTES + 20 + 20 + 16 + MAX_PAYLOAD_BYTES


def pair(
    seed: int,
    offered: Method = ANY_METHOD,
    allowed: Method = ANY_METHOD,
    payload: bytes = b"",
    wanted: InfoHash = OURS,
) -> tuple[MseInitiator, MseResponder]:
    torrents = [*OTHERS, OURS]
    initiator = MseInitiator(wanted, Random(seed), offered, payload)
    return initiator, MseResponder(lambda: torrents, Random(seed + 1), allowed)


def meet(initiator: MseInitiator, responder: MseResponder, step: int = 10_000) -> None:
    """Hand the bytes over in pieces until both are done."""
    there, back = initiator.begin(), b""
    while there or back:
        sent, there = there[:step], there[step:]
        back += responder.receive(sent) if sent else b""
        sent, back = back[:step], back[step:]
        there += initiator.receive(sent) if sent else b""


@given(
    seed=st.integers(0, 1 << 30),
    step=st.integers(1, 700),
    offered=st.sampled_from([Method.PLAIN, Method.RC4, ANY_METHOD]),
    payload=st.binary(max_size=MAX_PAYLOAD_BYTES),
)
@settings(max_examples=50)
def test_two_sides_meet_however_their_bytes_are_split(
    seed: int, step: int, offered: Method, payload: bytes
) -> None:
    initiator, responder = pair(seed, offered, payload=payload)
    meet(initiator, responder, step)
    assert initiator.is_done
    assert responder.is_done
    assert responder.payload == payload
    if offered == Method.RC4:
        for sender, receiver in ((initiator, responder), (responder, initiator)):
            assert sender.encryptor is not None
            assert receiver.decryptor is not None
            wire = sender.encryptor.apply(b"the same bytes")
            assert wire != b"the same bytes"
            assert receiver.decryptor.apply(wire) == b"the same bytes"
    else:
        assert initiator.encryptor is initiator.decryptor is None
        assert responder.encryptor is responder.decryptor is None


def test_what_follows_the_handshake_in_one_packet_is_not_lost() -> None:
    initiator, responder = pair(1, Method.RC4)
    proof = initiator.receive(responder.receive(initiator.begin()))
    answer = responder.receive(proof)
    assert responder.encryptor is not None
    initiator.receive(answer + responder.encryptor.apply(b"and more"))
    assert initiator.payload == b"and more"


def test_no_two_handshakes_begin_alike_or_are_of_one_length() -> None:
    begun = [pair(seed)[0].begin() for seed in range(0, 40, 2)]
    assert len({each[:16] for each in begun}) == len(begun)
    assert len({len(each) for each in begun}) > 10
    assert all(KEY_BYTES <= len(each) <= KEY_BYTES + MAX_PAD_BYTES for each in begun)


def test_only_what_both_allow_is_chosen() -> None:
    with pytest.raises(ProtocolError, match="not allowed"):
        meet(*pair(1, offered=Method.PLAIN, allowed=Method.RC4))
    initiator, responder = pair(1, offered=ANY_METHOD, allowed=Method.RC4)
    meet(initiator, responder)
    assert initiator.encryptor is not None
    assert responder.encryptor is not None


def test_who_does_not_know_a_torrent_here_gets_no_answer() -> None:
    with pytest.raises(ProtocolError, match="no torrent here"):
        meet(*pair(1, wanted=InfoHash(b"x" * 20)))


@pytest.mark.parametrize("key", [0, 1, PRIME - 1, PRIME, PRIME + 1, (1 << 768) - 1])
def test_a_key_that_would_make_the_secret_known_is_refused(key: int) -> None:
    for side in pair(1):
        with pytest.raises(ProtocolError, match="Diffie-Hellman"):
            side.receive(key.to_bytes(KEY_BYTES, "big"))


@given(seed=st.integers(0, 1 << 30), size=st.integers(1, 20_000), step=st.integers(1, 5000))
@settings(max_examples=100)
def test_noise_ends_in_an_error_and_is_never_hoarded(seed: int, size: int, step: int) -> None:
    for side in pair(seed):
        assert_refused_or_bounded(side, Random(seed + 2).randbytes(size), step)


def assert_refused_or_bounded(side: MseHandshake, noise: bytes, step: int) -> None:
    taken = 0
    try:
        for start in range(0, len(noise), step):
            side.receive(noise[start : start + step])
            taken += step
    except ProtocolError:
        return
    assert not side.is_done
    assert taken <= LONGEST_HANDSHAKE + step


@given(seed=st.integers(0, 1 << 20), position=st.integers(0, 1500), bit=st.integers(0, 7))
@settings(max_examples=100)
def test_a_flipped_bit_is_an_error_or_changes_nothing_but_pads(
    seed: int, position: int, bit: int
) -> None:
    initiator, responder = pair(seed, Method.RC4, payload=b"hello")
    key = initiator.begin()
    proof = initiator.receive(responder.receive(key))
    broken = bytearray(proof)
    broken[position % len(proof)] ^= 1 << bit
    try:
        responder.receive(bytes(broken))
    except ProtocolError:
        return
    assert not responder.is_done or len(responder.payload) <= MAX_PAYLOAD_BYTES
