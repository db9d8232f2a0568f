from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.pex import MAX_PEERS, PexMessage


def test_a_message_comes_back_as_it_went() -> None:
    message = PexMessage(
        added=(PeerAddress("192.0.2.1", 6881), PeerAddress("2001:db8::1", 6882)),
        dropped=(PeerAddress("192.0.2.2", 6883),),
    )
    assert PexMessage.decode(message.encode()) == message


def test_the_keys_are_those_of_the_bep() -> None:
    message = PexMessage(added=(PeerAddress("192.0.2.1", 6881),))
    fields = bencode.decode(message.encode())
    assert isinstance(fields, dict)
    assert fields[b"added"] == bytes([192, 0, 2, 1, 0x1A, 0xE1])
    assert fields[b"added.f"] == b"\0"


def test_of_ten_thousand_addresses_fifty_are_read() -> None:
    peers = b"".join(bytes([10, 0, n >> 8, n & 255, 0, 1]) for n in range(10_000))
    message = PexMessage.decode(bencode.encode({b"added": peers, b"added6": b"\x20" * 18 * 99}))
    assert len(message.added) == MAX_PEERS


def test_a_field_of_another_type_counts_as_absent() -> None:
    assert PexMessage.decode(b"d5:addedi5e7:droppedlee") == PexMessage()


@pytest.mark.parametrize("payload", [b"", b"le", b"i1e", b"d5:added5:abcdee", b"d5:added6:abc"])
def test_what_is_no_such_message_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        PexMessage.decode(payload)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error(payload: bytes) -> None:
    try:
        PexMessage.decode(payload)
    except ProtocolError:
        return
