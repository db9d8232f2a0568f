from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.dht_node import Family, Node, NodeId
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.krpc import (
    BAD_PROTOCOL,
    MAX_NODES,
    MAX_RECEIVED_BYTES,
    MAX_VALUES,
    UNKNOWN_METHOD,
    AnnouncePeer,
    BadQueryError,
    Failure,
    FindNode,
    GetPeers,
    KrpcError,
    Message,
    Ping,
    Reply,
    decode,
)

ID, OTHER = NodeId(b"abcdefghij0123456789"), NodeId(b"mnopqrstuvwxyz123456")
TORRENT = InfoHash(b"mnopqrstuvwxyz123456")
BOTH = frozenset(Family)
V4 = Node(OTHER, PeerAddress("203.0.113.7", 6881))
V6 = Node(OTHER, PeerAddress("2001:db8::7", 6882))


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (
            b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
            Message(b"aa", Ping(ID)),
        ),
        (
            b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re",
            Message(b"aa", Reply(OTHER)),
        ),
        (
            b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe",
            Message(b"aa", FindNode(ID, OTHER)),
        ),
        (
            b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe",
            Message(b"aa", GetPeers(ID, TORRENT)),
        ),
        (
            b"d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re",
            Message(
                b"aa",
                Reply(
                    ID,
                    values=(
                        PeerAddress("97.120.106.101", 0x2E75),
                        PeerAddress("105.100.104.116", 0x6E6D),
                    ),
                    token=b"aoeusnth",
                ),
            ),
        ),
        (
            (
                b"d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz123456"
                b"4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe"
            ),
            Message(b"aa", AnnouncePeer(ID, TORRENT, b"aoeusnth", None)),
        ),
        (
            b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
            Message(b"aa", Failure(201, "A Generic Error Ocurred")),
        ),
    ],
)
def test_the_examples_of_bep_5_are_read(example: bytes, message: Message) -> None:
    assert decode(example) == message


@pytest.mark.parametrize(
    "message",
    [
        Message(b"x", Ping(ID), read_only=True),
        Message(b"x", FindNode(ID, OTHER, BOTH)),
        Message(b"x", GetPeers(ID, TORRENT, frozenset({Family.IPV6}))),
        Message(b"x", AnnouncePeer(ID, TORRENT, b"token", 6881)),
        Message(b"x", AnnouncePeer(ID, TORRENT, b"token", None)),
        Message(b"x", Reply(ID), observed=PeerAddress("203.0.113.9", 1)),
        Message(b"x", Reply(ID, (V4, V6), (V4.address, V6.address), b"token")),
        Message(b"x", Failure(BAD_PROTOCOL, "no")),
    ],
)
def test_what_is_written_is_read_again(message: Message) -> None:
    assert decode(message.encode()) == message


def query(**changes: object) -> bytes:
    arguments = {"id": ID.raw, "info_hash": TORRENT.digest, "token": b"t", "port": 6881}
    fields = {"t": b"aa", "y": b"q", "q": b"announce_peer", "a": {**arguments, **changes}}
    return bencode.encode(fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad",
    [
        query(id=b"short"),
        query(id=7),
        query(info_hash=bytes(21)),
        query(token=bytes(65)),
        query(token=5),
        query(port=0),
        query(port=65536),
        query(port=b"80"),
        bencode.encode({"t": b"aa", "y": b"q", "q": b"ping", "a": []}),
        bencode.encode({"t": b"aa", "y": b"q", "q": b"ping"}),
    ],
)
def test_a_bad_query_is_answered_with_an_error(bad: bytes) -> None:
    with pytest.raises(BadQueryError) as caught:
        decode(bad)
    answer = decode(caught.value.answer.encode())
    assert answer.transaction == b"aa"
    assert isinstance(answer.body, Failure)
    assert answer.body.code == BAD_PROTOCOL


def test_a_query_of_another_kind_is_answered_with_an_error() -> None:
    with pytest.raises(BadQueryError) as caught:
        decode(bencode.encode({"t": b"aa", "y": b"q", "q": b"sample", "a": {"id": ID.raw}}))
    assert isinstance(caught.value.answer.body, Failure)
    assert caught.value.answer.body.code == UNKNOWN_METHOD


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"i1e",
        b"de",
        bencode.encode({"t": b"", "y": b"r", "r": {"id": ID.raw}}),
        bencode.encode({"t": bytes(17), "y": b"r", "r": {"id": ID.raw}}),
        bencode.encode({"t": b"aa", "y": b"r", "r": {"id": bytes(19)}}),
        bencode.encode({"t": b"aa", "y": b"r", "r": {"id": ID.raw, "nodes": bytes(27)}}),
        bencode.encode({"t": b"aa", "y": b"z"}),
        b"d1:t2:aa1:y1:r1:v%d:%be" % (MAX_RECEIVED_BYTES, bytes(MAX_RECEIVED_BYTES)),
    ],
)
def test_what_is_no_message_is_refused(bad: bytes) -> None:
    with pytest.raises(KrpcError):
        decode(bad)


def reply(**fields: object) -> Reply:
    body = {"t": b"aa", "y": b"r", "r": {"id": ID.raw, **fields}}
    message = decode(bencode.encode(body))  # type: ignore[arg-type]
    assert isinstance(message.body, Reply)
    return message.body


def test_lists_are_taken_up_to_their_limits() -> None:
    node = OTHER.raw + bytes([203, 0, 113, 7, 0, 80])
    assert len(reply(nodes=node * 50).nodes) == MAX_NODES
    assert len(reply(values=[bytes([203, 0, 113, 7, 0, 80])] * 150).values) == MAX_VALUES


def test_ports_that_are_0_and_values_of_other_kinds_are_left_out() -> None:
    assert reply(nodes=OTHER.raw + bytes([203, 0, 113, 7, 0, 0])).nodes == ()
    assert reply(values=[bytes([203, 0, 113, 7, 0, 0]), b"xx", 5, []]).values == ()
    assert reply(values=b"no list", token=bytes(65), nodes=[]) == Reply(ID)


def test_an_ipv4_node_in_ipv6_clothes_is_left_out() -> None:
    mapped = bytes(10) + b"\xff\xff" + bytes([127, 0, 0, 1, 0, 80])
    assert reply(nodes6=OTHER.raw + mapped).nodes == ()


def test_a_reason_is_made_printable_and_short() -> None:
    message = decode(bencode.encode({"t": b"aa", "y": b"e", "e": [201, b"\x1b[2J" + b"x" * 999]}))
    assert isinstance(message.body, Failure)
    assert "\x1b" not in message.body.reason
    assert len(message.body.reason) <= 100
    odd = decode(bencode.encode({"t": b"aa", "y": b"e", "e": b"?"}))
    assert odd.body == Failure(201, "")


VALUES = st.recursive(
    st.integers(-(10**6), 10**6) | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [b"t", b"y", b"q", b"a", b"r", b"e", b"id", b"nodes", b"values", b"ip"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(VALUES)
def test_any_bencode_is_a_message_or_a_typed_error(value: bencode.Value) -> None:
    is_message_or_error(bencode.encode(value))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_typed_error(data: bytes) -> None:
    is_message_or_error(data)


@given(st.sampled_from([b"ping", b"find_node", b"get_peers", b"announce_peer"]), VALUES)
def test_any_arguments_are_a_query_or_a_typed_error(
    method: bytes, arguments: bencode.Value
) -> None:
    is_message_or_error(bencode.encode({"t": b"aa", "y": b"q", "q": method, "a": arguments}))


@given(VALUES)
def test_any_return_values_are_a_reply_or_a_typed_error(values: bencode.Value) -> None:
    extended = {b"id": ID.raw, **values} if isinstance(values, dict) else values
    is_message_or_error(bencode.encode({"t": b"aa", "y": b"r", "r": extended}))


def is_message_or_error(data: bytes) -> None:
    try:
        message = decode(data)
    except KrpcError:
        return
    assert decode(message.encode()).transaction == message.transaction
