from __future__ import annotations

import base64
import socket
from contextlib import suppress
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.errors import MagnetError, WebTorrentError
from jupyter_webtorrent.protocol.identity import (
    CLIENT_PREFIX,
    InfoHash,
    PeerAddress,
    PeerId,
    is_host,
)

DIGESTS = st.binary(min_size=20, max_size=20)


@given(DIGESTS)
def test_an_info_hash_is_read_from_hexadecimal_and_base32_in_any_case(digest: bytes) -> None:
    info_hash = InfoHash(digest)
    assert str(info_hash) == digest.hex()
    base32 = base64.b32encode(digest).decode()
    for text in (digest.hex(), digest.hex().upper(), base32, base32.lower()):
        assert InfoHash.from_text(text) == info_hash


@pytest.mark.parametrize("size", [0, 19, 21, 32])
def test_an_info_hash_and_a_peer_id_are_20_bytes(size: int) -> None:
    with pytest.raises(ValueError, match=f"an info hash is 20 bytes, not {size}"):
        InfoHash(bytes(size))
    with pytest.raises(ValueError, match=f"a peer id is 20 bytes, not {size}"):
        PeerId(bytes(size))


@pytest.mark.parametrize(
    "text", ["g" * 40, "é" * 40, "0" * 39 + "x", "1" * 32, "a" * 31 + "=", "ß" * 32, "a" * 31 + " "]
)
def test_text_of_the_right_length_that_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(MagnetError, match="not a hexadecimal or base32 info hash"):
        InfoHash.from_text(text)


@pytest.mark.parametrize("size", [0, 31, 33, 39, 41, 64])
def test_an_info_hash_is_40_or_32_characters(size: int) -> None:
    with pytest.raises(MagnetError, match=f"40 hexadecimal or 32 base32 characters, not {size}"):
        InfoHash.from_text("a" * size)


@given(st.text(min_size=30, max_size=42) | st.text(ascii_lowercase + "=", min_size=32, max_size=32))
def test_any_text_gives_an_info_hash_or_the_typed_error(text: str) -> None:
    try:
        assert len(InfoHash.from_text(text).digest) == 20
    except MagnetError as error:
        reason = str(error)
        assert "\n" not in reason


def test_info_hashes_are_values() -> None:
    one, two = InfoHash(bytes(20)), InfoHash(b"\x01" * 20)
    assert one == InfoHash(bytes(20))
    assert len({one, two, InfoHash(bytes(20))}) == 2
    assert sorted([two, one]) == [one, two]


def test_our_peer_id_begins_with_our_client() -> None:
    peer_id = PeerId.ours(bytes(range(12)))
    assert peer_id.raw == CLIENT_PREFIX + bytes(range(12))
    assert str(peer_id) == "-JW0010-............"
    with pytest.raises(ValueError, match="not 19"):
        PeerId.ours(bytes(11))


def test_a_peer_id_is_shown_without_what_cannot_be_shown() -> None:
    assert str(PeerId(b"-LT2110-\x00\n\x1b[31m \xff\x7fab")) == "-LT2110-...[31m...ab"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.7:6881", "192.0.2.7", 6881),
        ("[2001:db8::1]:1", "2001:db8::1", 1),
        ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
        ("teacher.local:80", "teacher.local", 80),
        ("my_host:80", "my_host", 80),
        ("[host]:80", "host", 80),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    address = PeerAddress.from_text(text)
    assert address == PeerAddress(host, port)
    assert PeerAddress.from_text(str(address)) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "HOST:PORT"),
        ("host", "HOST:PORT"),
        ("host:", "HOST:PORT"),
        (":80", "HOST:PORT"),
        ("[]:80", "HOST:PORT"),
        ("host:-1", "HOST:PORT"),
        ("host:٨٠", "HOST:PORT"),
        ("host:123456", "HOST:PORT"),
        ("ho st:80", "HOST:PORT"),
        ("user@host:80", "HOST:PORT"),
        ("http//host:80", "HOST:PORT"),
        ("host\x00:80", "HOST:PORT"),
        ("a..b:80", "HOST:PORT"),
        ("a" * 64 + ":80", "HOST:PORT"),
        ("a." * 127 + ":80", "HOST:PORT"),
        ("::1:80", "needs brackets"),
        ("http://host:80", "needs brackets"),
        ("host:0", "1 to 65535, not 0"),
        ("host:65536", "1 to 65535, not 65536"),
    ],
)
def test_what_is_no_address_is_refused(text: str, reason: str) -> None:
    with pytest.raises(WebTorrentError, match=reason):
        PeerAddress.from_text(text)


def test_port_0_is_taken_only_where_it_means_any() -> None:
    assert PeerAddress.from_text("host:0", allow_any_port=True).port == 0
    with pytest.raises(WebTorrentError, match="0 to 65535, not 99999"):
        PeerAddress.from_text("host:99999", allow_any_port=True)


@given(st.text(max_size=12) | st.from_regex(r"\A[\[\]:.a-z0-9é%]{1,12}:[0-9]{1,6}\Z"))
def test_any_text_gives_an_address_that_reads_back_or_the_typed_error(text: str) -> None:
    try:
        address = PeerAddress.from_text(text)
    except WebTorrentError as error:
        reason = str(error)
        assert "\n" not in reason
    else:
        assert PeerAddress.from_text(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "a..b", "a" * 64, "a" * 254, "a b", "a\n", "a/b", "\u3000", "."]
)
def test_a_host_that_cannot_be_looked_up_is_told_apart(text: str) -> None:
    assert not is_host(text)


@given(st.text(max_size=70))
def test_no_host_makes_a_look_up_raise_anything_but_an_os_error(text: str) -> None:
    if is_host(text):
        with suppress(OSError):
            # AI_NUMERICHOST encodes the name as a look-up does, but asks nobody.
            socket.getaddrinfo(text, 80, flags=socket.AI_NUMERICHOST)
