"""NAT-PMP's datagrams, by the figures of RFC 6886."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.nat_pmp import (
    AddressRequest,
    GatewayRefusalError,
    MappingRequest,
)

MAPPING = MappingRequest(6881, 6881, 3600)


def test_requests_are_laid_out_as_in_sections_3_2_and_3_3() -> None:
    assert AddressRequest().encode() == bytes.fromhex("0000")
    assert MAPPING.encode() == bytes.fromhex("00020000 1ae1 1ae1 00000e10")
    assert MAPPING.removal().encode() == bytes.fromhex("00020000 1ae1 0000 00000000")


def test_replies_are_read() -> None:
    assert AddressRequest().decode_reply(bytes.fromhex("00800000 00000001 0b16212c")) == (
        "11.22.33.44"
    )
    reply = bytes.fromhex("00820000 00000001 1ae1 c000 00000708")
    assert MAPPING.decode_reply(reply) == MappingRequest(6881, 49152, 1800)


@pytest.mark.parametrize("result", [1, 2, 3, 4, 5, 65535])
def test_each_result_code_is_a_refusal_with_its_reason(result: int) -> None:
    reply = struct.pack(">BBHI", 0, 130, result, 1)
    with pytest.raises(GatewayRefusalError, match="it "):
        MAPPING.decode_reply(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "0082",
        "0082 0000 00000001",
        "0182 0000 00000001 1ae1 c000 00000708",
        "0080 0000 00000001 1ae1 c000 00000708",
        "0002 0000 00000001 1ae1 c000 00000708",
        "0082 0000 00000001 1ae2 c000 00000708",
        "0082 0000 00000001 1ae1 c000 00000708 00",
    ],
    ids=[
        "empty",
        "truncated head",
        "no body",
        "another version",
        "another operation",
        "a request",
        "another port",
        "too long",
    ],
)
def test_what_answers_no_such_request_is_not_believed(reply: str) -> None:
    with pytest.raises(ProtocolError):
        MAPPING.decode_reply(bytes.fromhex(reply))


@given(st.binary(max_size=40))
def test_any_bytes_have_a_typed_outcome(data: bytes) -> None:
    for request in (AddressRequest(), MAPPING):
        try:
            request.decode_reply(data)
        except (ProtocolError, GatewayRefusalError):
            continue
