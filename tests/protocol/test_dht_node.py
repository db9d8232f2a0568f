from __future__ import annotations

from random import Random

import pytest

from jupyter_webtorrent.protocol.dht_node import NodeId, fits_address, id_for_address

# The examples of BEP 42: address, the id's last byte, and its first bytes; of the third only 5 bits count.
EXAMPLES = [
    ("124.31.75.21", 1, "5fbfbf"),
    ("21.75.31.124", 86, "5a3ce9"),
    ("65.23.51.170", 22, "a5d432"),
    ("84.124.73.14", 65, "1b0321"),
    ("43.213.53.83", 90, "e56f6c"),
]


@pytest.mark.parametrize(("host", "last", "first"), EXAMPLES)
def test_the_ids_of_bep_42_fit_their_addresses(host: str, last: int, first: str) -> None:
    raw = bytes.fromhex(first) + bytes(16) + bytes([last])
    assert fits_address(NodeId(raw), host)
    assert not fits_address(NodeId(bytes([raw[0] ^ 1]) + raw[1:]), host)
    assert not fits_address(NodeId(raw[:2] + bytes([raw[2] ^ 8]) + raw[3:]), host)


@pytest.mark.parametrize("host", ["124.31.75.21", "2606:4700:10::6814:1", "192.168.1.2", "::1"])
def test_an_id_made_for_an_address_fits_it(host: str) -> None:
    random = Random(1)
    ids = {id_for_address(host, random) for _ in range(50)}
    assert len(ids) == 50
    assert all(fits_address(node_id, host) for node_id in ids)


def test_any_id_fits_away_from_the_internet() -> None:
    assert fits_address(NodeId(bytes(20)), "127.0.0.1")
    assert fits_address(NodeId(bytes(20)), "10.1.2.3")


def test_an_id_has_20_bytes() -> None:
    with pytest.raises(ValueError, match="20 bytes"):
        NodeId(bytes(19))


def test_the_distance_is_the_xor() -> None:
    assert NodeId(bytes(19) + b"\x05").distance(NodeId(bytes(19) + b"\x03")) == 6
