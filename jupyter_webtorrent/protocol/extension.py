"""The payloads of the extension protocol: its handshake (BEP 10), ut_metadata (BEP 9) and lt_donthave (BEP 54)."""

from __future__ import annotations

import struct
from typing import ClassVar, Self, TypeAlias

from msgspec import Struct

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.errors import BencodeError, ProtocolError

HANDSHAKE_ID = 0
UT_METADATA = "ut_metadata"
LT_DONTHAVE = "lt_donthave"
UT_PEX = "ut_pex"
OUR_IDS: dict[str, int] = {UT_METADATA: 1, LT_DONTHAVE: 2, UT_PEX: 3}
"""The ids under which peers send these extensions to us."""

METADATA_PIECE_BYTES = 1 << 14
MAX_METADATA_BYTES = 4 << 20

_UINT32 = struct.Struct(">I")


class ExtensionHandshake(Struct, frozen=True):
    """Which extensions a peer speaks and under which ids, and what it tells of itself (BEP 10)."""

    ids: dict[str, int]
    """Name to id; an id of 0 switches the extension off."""
    metadata_size: int | None = None
    """Bytes of the info dictionary, if the peer has it (BEP 9)."""
    listen_port: int | None = None
    client: str = ""
    request_queue: int | None = None
    """How many unanswered requests the peer keeps."""
    upload_only: bool = False
    """The peer downloads nothing (BEP 21)."""

    def encode(self) -> bytes:
        """The payload; the frame is a message's business."""
        fields: dict[bytes, bencode.Value] = {
            b"m": {name.encode(): number for name, number in self.ids.items()}
        }
        if self.metadata_size is not None:
            fields[b"metadata_size"] = self.metadata_size
        if self.listen_port is not None:
            fields[b"p"] = self.listen_port
        if self.client:
            fields[b"v"] = self.client.encode()
        if self.request_queue is not None:
            fields[b"reqq"] = self.request_queue
        if self.upload_only:
            fields[b"upload_only"] = 1
        return bencode.encode(fields)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Read a payload; a field of the wrong type counts as absent. Raises ProtocolError."""
        fields = _dictionary(payload)
        names = fields.get(b"m")
        ids = {
            name.decode("utf-8", "replace"): number
            for name, number in (names.items() if isinstance(names, dict) else ())
            if isinstance(number, int) and 0 <= number <= 255
        }
        client = fields.get(b"v")
        return cls(
            ids=ids,
            metadata_size=_metadata_size(fields.get(b"metadata_size")),
            listen_port=_within(fields.get(b"p"), 1, 65535),
            client=client[:64].decode("utf-8", "replace") if isinstance(client, bytes) else "",
            request_queue=_within(fields.get(b"reqq"), 1, 1 << 31),
            upload_only=fields.get(b"upload_only") == 1,
        )

    def updated_by(self, later: ExtensionHandshake) -> ExtensionHandshake:
        """What holds after a later handshake: what that one leaves out stays, but for `upload_only` (BEP 10).

        Of the extensions only those that we speak are kept, so that no number of handshakes fills the memory.
        """
        ids = {name: number for name, number in self.ids.items() if name in OUR_IDS}
        ids |= {name: number for name, number in later.ids.items() if name in OUR_IDS}
        return ExtensionHandshake(
            ids=ids,
            metadata_size=later.metadata_size or self.metadata_size,
            listen_port=later.listen_port or self.listen_port,
            client=later.client or self.client,
            request_queue=later.request_queue or self.request_queue,
            upload_only=later.upload_only,
        )


class MetadataRequest(Struct, frozen=True):
    """Ask for one 16 KiB piece of the info dictionary."""

    TYPE: ClassVar[int] = 0
    piece: int

    def encode(self) -> bytes:
        return bencode.encode({b"msg_type": self.TYPE, b"piece": self.piece})


class MetadataData(Struct, frozen=True):
    """One piece of the info dictionary: 16 KiB, the last one shorter."""

    TYPE: ClassVar[int] = 1
    piece: int
    total_size: int
    data: bytes

    def encode(self) -> bytes:
        head: dict[bytes, bencode.Value] = {
            b"msg_type": self.TYPE,
            b"piece": self.piece,
            b"total_size": self.total_size,
        }
        return bencode.encode(head) + self.data


class MetadataReject(Struct, frozen=True):
    TYPE: ClassVar[int] = 2
    piece: int

    def encode(self) -> bytes:
        return bencode.encode({b"msg_type": self.TYPE, b"piece": self.piece})


MetadataMessage: TypeAlias = MetadataRequest | MetadataData | MetadataReject


def decode_metadata_message(payload: bytes) -> MetadataMessage | None:
    """Read a ut_metadata payload (BEP 9); None for a type of a later day. Raises ProtocolError."""
    try:
        fields, end = bencode.decode_prefix(payload)
    except BencodeError as error:
        raise ProtocolError(f"a ut_metadata message is not bencoded: {error}") from error
    if not isinstance(fields, dict):
        raise ProtocolError("a ut_metadata message is not a dictionary")
    last_piece = MAX_METADATA_BYTES // METADATA_PIECE_BYTES
    piece = _within(fields.get(b"piece"), 0, last_piece)
    if piece is None:
        raise ProtocolError(f"a ut_metadata piece is not from 0 to {last_piece}")
    kind = fields.get(b"msg_type")
    if kind == MetadataRequest.TYPE:
        return MetadataRequest(piece)
    if kind == MetadataReject.TYPE:
        return MetadataReject(piece)
    if kind != MetadataData.TYPE:
        return None
    size = _metadata_size(fields.get(b"total_size"))
    data = payload[end:]
    if size is None or not 0 < len(data) <= METADATA_PIECE_BYTES:
        raise ProtocolError(f"a ut_metadata piece of {len(data)} bytes of {size}")
    return MetadataData(piece, size, data)


def encode_dont_have(index: int) -> bytes:
    """The lt_donthave payload: the sender has lost this piece (BEP 54)."""
    return _UINT32.pack(index)


def decode_dont_have(payload: bytes) -> int:
    """The piece index of an lt_donthave payload; raises ProtocolError."""
    if len(payload) != _UINT32.size:
        raise ProtocolError(f"an lt_donthave message is 4 bytes, not {len(payload)}")
    (index,) = _UINT32.unpack(payload)
    return int(index)


def _dictionary(payload: bytes) -> dict[bytes, bencode.Value]:
    try:
        fields, _ = bencode.decode_prefix(payload)
    except BencodeError as error:
        raise ProtocolError(f"an extension handshake is not bencoded: {error}") from error
    if not isinstance(fields, dict):
        raise ProtocolError("an extension handshake is not a dictionary")
    return fields


def _metadata_size(value: object) -> int | None:
    """The size if it is one; raises ProtocolError over 4 MiB. 0 means that the peer has none yet."""
    if not isinstance(value, int) or value == 0:
        return None
    if not 0 < value <= MAX_METADATA_BYTES:
        raise ProtocolError(f"metadata of {value} bytes; at most {MAX_METADATA_BYTES} are taken")
    return value


def _within(value: object, lowest: int, highest: int) -> int | None:
    return value if isinstance(value, int) and lowest <= value <= highest else None
