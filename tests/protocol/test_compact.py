from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.compact import (
    decode_ipv4,
    decode_ipv6,
    encode_address,
    encode_addresses,
)
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.identity import PeerAddress

ports = st.integers(1, 65535)
ipv4 = st.builds(PeerAddress, st.ip_addresses(v=4).map(str), ports)
ipv6 = st.builds(PeerAddress, st.ip_addresses(v=6).map(str), ports)


def test_an_ipv4_address_is_six_bytes_in_network_order() -> None:
    assert encode_address(PeerAddress("192.0.2.1", 6881)) == bytes([192, 0, 2, 1, 0x1A, 0xE1])


@given(st.lists(ipv4), st.lists(ipv6.filter(lambda a: not a.host.startswith("::ffff:"))))
def test_addresses_come_back_as_they_went(
    fours: list[PeerAddress], sixes: list[PeerAddress]
) -> None:
    four, six = encode_addresses([*fours, *sixes])
    assert decode_ipv4(four, len(fours)) == fours
    assert decode_ipv6(six, len(sixes)) == sixes


def test_names_and_zones_have_no_compact_form() -> None:
    names = [PeerAddress("school.example", 1), PeerAddress("fe80::1%eth0", 1)]
    assert encode_addresses(names) == (b"", b"")


def test_an_ipv4_address_in_ipv6_clothes_is_one() -> None:
    mapped = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1]) + b"\x1a\xe1"
    assert decode_ipv6(mapped, 1) == [PeerAddress("192.0.2.1", 6881)]


def test_port_0_is_left_out() -> None:
    assert decode_ipv4(bytes([192, 0, 2, 1, 0, 0]), 9) == []


def test_no_more_than_asked_for_are_read() -> None:
    assert len(decode_ipv4(bytes([192, 0, 2, 1, 0, 9]) * 1000, 50)) == 50


@pytest.mark.parametrize("decode", [decode_ipv4, decode_ipv6])
def test_a_part_of_an_address_is_refused(decode: object) -> None:
    with pytest.raises(ProtocolError, match="no multiple"):
        decode(bytes(17), 50)  # type: ignore[operator]
