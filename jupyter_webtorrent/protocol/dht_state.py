"""What of the DHT is kept between runs, as bytes: our node ids and the nodes we knew."""

from __future__ import annotations

from msgspec import Struct

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.dht_node import Family, Node, NodeId
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.krpc import read_nodes, write_nodes

MAX_STATE_BYTES = 1 << 16
MAX_STATE_NODES = 500
"""Of each family."""


class FamilyState(Struct, frozen=True):
    own_id: NodeId
    nodes: tuple[Node, ...]


def encode_state(families: dict[Family, FamilyState]) -> bytes:
    """Both families' tables; the first MAX_STATE_NODES of each."""
    return bencode.encode(
        {
            f"ipv{family.value}": {
                b"id": state.own_id.raw,
                b"nodes": write_nodes(state.nodes[:MAX_STATE_NODES]),
            }
            for family, state in families.items()
        }
    )


def decode_state(data: bytes) -> dict[Family, FamilyState]:
    """What `encode_state` wrote; nothing of what is corrupt or too large."""
    families: dict[Family, FamilyState] = {}
    if len(data) > MAX_STATE_BYTES:
        return families
    try:
        fields = bencode.decode(data)
        if not isinstance(fields, dict):
            return families
        for family in Family:
            entry = fields.get(b"ipv%d" % family)
            if isinstance(entry, dict):
                families[family] = _read_family(entry, family)
    except (WebTorrentError, ValueError):
        return {}
    return families


def _read_family(entry: dict[bytes, bencode.Value], family: Family) -> FamilyState:
    """Raises ValueError or WebTorrentError for what is corrupt."""
    own_id, nodes = entry.get(b"id"), entry.get(b"nodes")
    if not isinstance(own_id, bytes) or not isinstance(nodes, bytes):
        raise ValueError("a table without its id or nodes")
    return FamilyState(NodeId(own_id), tuple(read_nodes(nodes, family, MAX_STATE_NODES)))
