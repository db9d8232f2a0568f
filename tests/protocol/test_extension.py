"""The extension protocol's payloads."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.extension import (
    MAX_METADATA_BYTES,
    METADATA_PIECE_BYTES,
    OUR_IDS,
    ExtensionHandshake,
    MetadataData,
    MetadataMessage,
    MetadataReject,
    MetadataRequest,
    decode_dont_have,
    decode_metadata_message,
    encode_dont_have,
)


def test_a_full_handshake_comes_back() -> None:
    ours = ExtensionHandshake(
        ids=OUR_IDS,
        metadata_size=31235,
        listen_port=6881,
        client="jupyter-webtorrent 1",
        request_queue=500,
        upload_only=True,
    )
    assert ExtensionHandshake.decode(ours.encode()) == ours


def test_a_browser_s_handshake_is_read() -> None:
    theirs = ExtensionHandshake.decode(b"d1:md11:lt_donthavei2e11:ut_metadatai1eee")
    assert theirs == ExtensionHandshake(ids={"lt_donthave": 2, "ut_metadata": 1})


def test_fields_of_the_wrong_type_count_as_absent() -> None:
    payload = bencode.encode(
        {b"m": {b"a": b"x", b"b": 256, b"c": -1, b"d": 3}, b"p": 0, b"v": 5, b"reqq": b"many"}
    )
    assert ExtensionHandshake.decode(payload) == ExtensionHandshake(ids={"d": 3})
    assert ExtensionHandshake.decode(b"d1:mi5ee") == ExtensionHandshake(ids={})


@pytest.mark.parametrize("size", [-1, MAX_METADATA_BYTES + 1, 2**31])
def test_metadata_of_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(ProtocolError, match=f"{size} bytes"):
        ExtensionHandshake.decode(bencode.encode({b"metadata_size": size}))


def test_a_later_handshake_changes_what_it_names_and_nothing_else() -> None:
    first = ExtensionHandshake(
        ids={"ut_metadata": 3, "ut_pex": 1},
        metadata_size=9,
        listen_port=6881,
        client="x",
        request_queue=250,
        upload_only=True,
    )
    later = ExtensionHandshake(ids={"ut_pex": 0, "lt_donthave": 7})
    both = first.updated_by(later)
    assert both == ExtensionHandshake(
        ids={"ut_metadata": 3, "ut_pex": 0, "lt_donthave": 7},
        metadata_size=9,
        listen_port=6881,
        client="x",
        request_queue=250,
    )
    assert both.updated_by(first) == ExtensionHandshake(
        ids={"ut_metadata": 3, "ut_pex": 1, "lt_donthave": 7},
        metadata_size=9,
        listen_port=6881,
        client="x",
        request_queue=250,
        upload_only=True,
    )


def test_many_handshakes_of_many_extensions_fill_no_memory() -> None:
    known = ExtensionHandshake(ids={})
    for number in range(100):
        known = known.updated_by(ExtensionHandshake(ids={f"x{number}": 1}))
    assert known.ids == {}


def test_a_metadata_size_of_0_means_none_yet() -> None:
    assert ExtensionHandshake.decode(b"d13:metadata_sizei0ee").metadata_size is None


@pytest.mark.parametrize("payload", [b"", b"i1e", b"d", b"le", b"\xff" * 10])
def test_what_is_no_dictionary_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="extension handshake is not"):
        ExtensionHandshake.decode(payload)
    with pytest.raises(ProtocolError, match="ut_metadata message is not"):
        decode_metadata_message(payload)


@pytest.mark.parametrize(
    "message",
    [MetadataRequest(0), MetadataReject(255), MetadataData(1, 20000, b"d8:msg_typei0ee")],
)
def test_metadata_messages_come_back(message: MetadataMessage) -> None:
    assert decode_metadata_message(message.encode()) == message


def test_the_data_follows_the_first_ee() -> None:
    head, _, data = MetadataData(0, 9, b"some data").encode().partition(b"ee")
    assert data == b"some data"
    assert b"ee" not in head


def test_later_metadata_messages_are_passed_over() -> None:
    assert decode_metadata_message(b"d8:msg_typei9e5:piecei0ee") is None


@pytest.mark.parametrize(
    "payload",
    [
        b"d8:msg_typei0ee",
        b"d8:msg_typei0e5:piecei-1ee",
        b"d8:msg_typei0e5:piecei257ee",
        b"d8:msg_typei1e5:piecei0e10:total_sizei0eedata",
        b"d8:msg_typei1e5:piecei0eedata",
        MetadataData(0, 5, b"").encode(),
        MetadataData(0, 20000, bytes(METADATA_PIECE_BYTES + 1)).encode(),
    ],
)
def test_impossible_metadata_messages_are_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="ut_metadata piece"):
        decode_metadata_message(payload)


def test_dont_have_is_four_bytes() -> None:
    assert decode_dont_have(encode_dont_have(77)) == 77
    with pytest.raises(ProtocolError, match="4 bytes, not 3"):
        decode_dont_have(b"abc")


@given(st.binary(max_size=300))
def test_noise_is_read_or_refused(noise: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        ExtensionHandshake.decode(noise)
    with contextlib.suppress(ProtocolError):
        decode_metadata_message(noise)
