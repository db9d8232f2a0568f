from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.lsd import (
    GROUP_IPV4,
    GROUP_IPV6,
    MAX_INFO_HASHES,
    MAX_MESSAGE_BYTES,
    LocalAnnounce,
)

HASHES = tuple(InfoHash(bytes([number]) * 20) for number in range(MAX_INFO_HASHES))


def test_an_announce_is_written_as_the_bep_shows_it() -> None:
    assert LocalAnnounce(6881, HASHES[:1], "me").encode(GROUP_IPV4) == (
        b"BT-SEARCH * HTTP/1.1\r\n"
        b"Host: 239.192.152.143:6771\r\n"
        b"Port: 6881\r\n"
        b"Infohash: " + b"00" * 20 + b"\r\n"
        b"cookie: me\r\n"
        b"\r\n\r\n"
    )


@pytest.mark.parametrize("group", [GROUP_IPV4, GROUP_IPV6])
def test_the_largest_announce_comes_back_as_it_went(group: str) -> None:
    announce = LocalAnnounce(65535, HASHES, "c" * 64)
    assert len(announce.encode(group)) <= MAX_MESSAGE_BYTES
    assert LocalAnnounce.decode(announce.encode(group)) == announce


def test_an_announce_without_a_cookie_and_with_unknown_headers_is_read() -> None:
    data = b"BT-SEARCH * HTTP/1.1\r\nX: y\r\nport:1\r\nINFOHASH:" + b"AB" * 20 + b"\r\n\r\n\r\n"
    assert LocalAnnounce.decode(data) == LocalAnnounce(1, (InfoHash(b"\xab" * 20),))


def test_more_torrents_than_fit_are_left_out() -> None:
    hashes = b"".join(b"Infohash: " + bytes([65 + n % 6]) * 38 + b"%02d\r\n" % n for n in range(25))
    data = b"BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n" + hashes
    assert len(LocalAnnounce.decode(data).info_hashes) == MAX_INFO_HASHES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"BT-SEARCH * HTTP/1.1\r\n",
        b"BT-SEARCH * HTTP/1.1\r\nPort: 0\r\n",
        b"BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\n",
        b"BT-SEARCH * HTTP/1.1\r\nPort: \xb2\r\n",
        b"BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n" + b"x" * MAX_MESSAGE_BYTES,
    ],
)
def test_what_is_no_announce_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        LocalAnnounce.decode(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_an_announce_or_an_error(data: bytes) -> None:
    try:
        LocalAnnounce.decode(b"BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n" + data)
    except ProtocolError:
        return
