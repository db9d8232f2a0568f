from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.dht_node import Family, Node, NodeId
from jupyter_webtorrent.protocol.dht_state import (
    MAX_STATE_BYTES,
    MAX_STATE_NODES,
    FamilyState,
    decode_state,
    encode_state,
)
from jupyter_webtorrent.protocol.identity import PeerAddress
from tests.protocol.dht_network import public_host


def state(count: int) -> dict[Family, FamilyState]:
    random = Random(1)
    nodes = [
        [Node(NodeId.random(random), PeerAddress(host, 6881)) for host in hosts]
        for hosts in (
            [public_host(number) for number in range(count)],
            [f"2606:4700:{number + 1:x}::1" for number in range(count)],
        )
    ]
    return {
        family: FamilyState(NodeId.random(random), tuple(known))
        for family, known in zip(Family, nodes, strict=True)
    }


def test_what_is_kept_is_read_again() -> None:
    assert decode_state(encode_state(state(20))) == state(20)


def test_only_so_many_nodes_are_kept_and_they_fit_the_file() -> None:
    kept = encode_state(state(MAX_STATE_NODES + 100))
    assert len(kept) <= MAX_STATE_BYTES
    assert {len(each.nodes) for each in decode_state(kept).values()} == {MAX_STATE_NODES}


def test_a_corrupt_file_is_an_empty_table() -> None:
    assert decode_state(b"") == {}
    assert decode_state(bytes(MAX_STATE_BYTES + 1)) == {}
    assert decode_state(b"le") == {}
    assert decode_state(b"d4:ipv4d2:id2:ab5:nodes0:ee") == {}
    assert decode_state(b"d4:ipv4d2:idi1eee") == {}
    kept = encode_state(state(2))
    assert all(decode_state(kept[:cut]) == {} for cut in range(len(kept)))


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_is_no_error(where: int, byte: int) -> None:
    kept = bytearray(encode_state(state(3)))
    kept[where % len(kept)] = byte
    for family, each in decode_state(bytes(kept)).items():
        assert all(node.family is family for node in each.nodes)
