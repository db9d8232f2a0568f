"""The UDP tracker protocol: each datagram as BEP 15 has it, and whatever else arrives."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.announce import (
    LONGEST_INTERVAL,
    MAX_PEERS,
    UNKNOWN_LEFT,
    SwarmCounts,
    TcpAnnounce,
    TcpAnnounceResponse,
)
from jupyter_webtorrent.protocol.errors import TrackerMessageError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.udp_tracker import (
    MAX_SCRAPED,
    Connected,
    Refused,
    Scraped,
    encode_announce,
    encode_connect,
    encode_scrape,
    parse_reply,
    response_timeout,
    url_data,
)

HASH = InfoHash(bytes(range(20)))
PEER_ID = PeerId(b"-JW0010-123456789012")


def test_a_connect_begins_with_the_magic_number() -> None:
    assert encode_connect(0x01020304) == bytes.fromhex("0000041727101980 00000000 01020304")


def test_an_announce_is_laid_out_as_in_bep_15() -> None:
    announce = TcpAnnounce(
        info_hash=HASH,
        peer_id=PEER_ID,
        port=6881,
        uploaded=3,
        downloaded=1,
        left=2,
        event="stopped",
        numwant=50,
        key=0xDEADBEEF,
    )
    wire = encode_announce(0x0102030405060708, 9, announce)
    assert len(wire) == 98
    assert struct.unpack(">QII20s20sQQQIIIiH", wire) == (
        *(0x0102030405060708, 1, 9, HASH.digest, PEER_ID.raw),
        *(1, 2, 3, 3, 0, 0xDEADBEEF, 50, 6881),
    )


@pytest.mark.parametrize(
    ("event", "number"), [(None, 0), ("completed", 1), ("started", 2), ("stopped", 3)]
)
def test_events_have_their_numbers(event: str | None, number: int) -> None:
    announce = TcpAnnounce(info_hash=HASH, peer_id=PEER_ID, port=1, event=event)  # type: ignore[arg-type]
    assert encode_announce(0, 0, announce)[83] == number


def test_an_unknown_size_is_not_that_of_a_seed() -> None:
    wire = encode_announce(0, 0, TcpAnnounce(info_hash=HASH, peer_id=PEER_ID, port=1))
    assert int.from_bytes(wire[64:72], "big") == UNKNOWN_LEFT


def test_the_url_goes_along_in_pieces() -> None:
    announce = TcpAnnounce(info_hash=HASH, peer_id=PEER_ID, port=1)
    data = url_data("udp://tracker.example:80/dir?a=b&c=d#x")
    assert data == b"/dir?a=b&c=d"
    assert encode_announce(0, 0, announce, data)[98:] == b"\x02\x0c/dir?a=b&c=d\x00"
    long = encode_announce(0, 0, announce, b"x" * 256)[98:]
    assert long == b"\x02\xff" + b"x" * 255 + b"\x02\x01x\x00"
    assert url_data("udp://tracker.example:80") == b""


def test_the_wait_doubles_to_an_hour_and_a_bit() -> None:
    assert [response_timeout(attempt) for attempt in (0, 1, 2, 8, 9)] == [15, 30, 60, 3840, 3840]


def test_replies_are_read() -> None:
    assert parse_reply(struct.pack(">IIQ", 0, 7, 1 << 63), ipv6=False) == (7, Connected(1 << 63))
    announced = struct.pack(">IIIII", 1, 7, 1800, 4, 2)
    ipv4 = b"\x0a\x00\x00\x01\x1a\xe1" * 2 + b"\x0a\x00\x00\x02\x00\x00" + b"cut"
    assert parse_reply(announced + ipv4, ipv6=False) == (
        7,
        TcpAnnounceResponse(
            interval=1800, complete=2, incomplete=4, peers=(PeerAddress("10.0.0.1", 6881),)
        ),
    )
    _, response = parse_reply(announced + bytes(15) + b"\x01\x00\x50", ipv6=True)
    assert isinstance(response, TcpAnnounceResponse)
    assert response.peers == (PeerAddress("::1", 80),)
    scraped = struct.pack(">II6I", 2, 7, 1, 2, 3, 4, 5, 6)
    assert parse_reply(scraped, ipv6=False) == (
        7,
        Scraped((SwarmCounts(1, 3, 2), SwarmCounts(4, 6, 5))),
    )
    refused = struct.pack(">II", 3, 7)
    assert parse_reply(refused + b"no\x1b", ipv6=False) == (
        7,
        Refused("the tracker refused: no\ufffd"),
    )
    assert parse_reply(refused, ipv6=False)[1] == Refused(
        "the tracker refused: it does not say why"
    )


@given(st.binary(max_size=100), st.booleans())
@example(bytes(8), False)
@example(b"\x00\x00\x00\x02" * 4000, False)
@example(struct.pack(">IIIII", 1, 0, 0xFFFFFFFF, 0, 0) + b"\x01" * 60000, False)
def test_any_datagram_is_a_reply_or_one_plain_error(data: bytes, ipv6: bool) -> None:
    try:
        _, reply = parse_reply(data, ipv6=ipv6)
    except TrackerMessageError:
        return
    if isinstance(reply, TcpAnnounceResponse):
        assert len(reply.peers) <= MAX_PEERS
        assert 1 <= reply.interval <= LONGEST_INTERVAL
    elif isinstance(reply, Scraped):
        assert len(reply.counts) <= MAX_SCRAPED


def test_a_scrape_holds_a_datagram_of_hashes() -> None:
    wire = encode_scrape(1, 2, [HASH, HASH])
    assert wire == struct.pack(">QII", 1, 2, 2) + HASH.digest * 2
    with pytest.raises(TrackerMessageError, match="75 info hashes in a scrape, over 74"):
        encode_scrape(1, 2, [HASH] * 75)
