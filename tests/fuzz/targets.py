"""Every parser that meets the network, as a function of bytes: it returns, or raises an error of its own.

Anything else, a wrong round trip too, is a finding. `SEEDS` are well-formed inputs to begin from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import aiohttp

from jupyter_webtorrent.net import webseed
from jupyter_webtorrent.net.webrtc_sdp import DataDescription
from jupyter_webtorrent.protocol import (
    bencode,
    extension,
    http_tracker,
    krpc,
    udp_tracker,
    ws_messages,
    ws_tracker,
)
from jupyter_webtorrent.protocol.announce import SwarmCounts, TcpAnnounce, TcpAnnounceResponse
from jupyter_webtorrent.protocol.compact import decode_ipv4, decode_ipv6
from jupyter_webtorrent.protocol.dht_node import Family, Node, NodeId
from jupyter_webtorrent.protocol.dht_state import FamilyState, decode_state, encode_state
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.extension import ExtensionHandshake, MetadataData
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.links import link_kind
from jupyter_webtorrent.protocol.lsd import GROUP_IPV4, LocalAnnounce
from jupyter_webtorrent.protocol.magnet import MagnetLink, parse_link_or_hash
from jupyter_webtorrent.protocol.messages import (
    BitfieldMessage,
    Extended,
    Have,
    Piece,
    Request,
    Unchoke,
)
from jupyter_webtorrent.protocol.metainfo import Info, Metainfo, TorrentFile
from jupyter_webtorrent.protocol.nat_pmp import AddressRequest, MappingRequest
from jupyter_webtorrent.protocol.peer import PeerProtocol
from jupyter_webtorrent.protocol.pex import PexMessage
from jupyter_webtorrent.protocol.printable import printable
from jupyter_webtorrent.protocol.reach import reach_of
from jupyter_webtorrent.storage.paths import MAX_NAME_BYTES, safe_names
from tests.fuzz import mse_talk

INFO_HASH = InfoHash(bytes(range(20)))
ADDRESSES = (PeerAddress("192.0.2.1", 6881), PeerAddress("2001:db8::1", 6881))
NODE = Node(NodeId(bytes(20)), ADDRESSES[0])
INFO = Info.build(
    "lesson",
    1 << 14,
    bytes(40),
    [TorrentFile(("a", "b.csv"), 20_000), TorrentFile(("c.csv",), 5_000)],
    single_file=False,
)
SDP = "\r\n".join(
    (
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host",
        "a=candidate:2 1 udp 1694498815 198.51.100.1 50001 typ srflx raddr 192.0.2.1 rport 50000",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=mid:0",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
        "",
    )
)


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, and inputs that it takes."""

    parse: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def _krpc(data: bytes) -> None:
    message = krpc.decode(data)
    again = krpc.decode(message.encode())
    assert again.transaction == message.transaction


def run(target: Target, data: bytes) -> None:
    """One input: whatever is not this project's own error gets out."""
    with contextlib.suppress(WebTorrentError):
        target.parse(data)


def _bencode(data: bytes) -> None:
    value = bencode.decode(data)
    assert bencode.decode(bencode.encode(value)) == value


def _metainfo(data: bytes) -> None:
    metainfo = Metainfo.from_bytes(data)
    assert Metainfo.from_bytes(metainfo.to_bytes()).info == metainfo.info
    _names(metainfo.info)


def _info(data: bytes) -> None:
    _names(Info.from_bytes(data))


def _names(info: Info) -> None:
    """What a torrent's files would be called stays below its folder."""
    names = safe_names(info)
    assert len(
        {name for name, file in zip(names, info.files, strict=True) if not file.padding}
    ) == (sum(not file.padding for file in info.files))
    for name in names:
        for part in name:
            assert part not in ("", ".", "..")
            assert not set(part) & set("/\\\0")
            assert len(part.encode()) <= MAX_NAME_BYTES


def _magnet(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    link_kind(text)
    link = parse_link_or_hash(text)
    assert MagnetLink.from_text(str(link)) == link


def _peer_wire(data: bytes) -> None:
    """Two bytes choose how it is cut; the rest is what the peer sends."""
    protocol = PeerProtocol()
    step = 1 + int.from_bytes(data[:2], "big")
    if step % 2:
        protocol.piece_count = 9
    for start in range(2, len(data), step):
        chunk = data[start : start + step]
        while chunk:
            buffer = protocol.get_buffer()
            count = min(len(buffer), len(chunk))
            buffer[:count] = chunk[:count]
            chunk = chunk[count:]
            for _ in protocol.receive(count):
                pass


def _http_request(data: bytes) -> None:
    query = data.decode("utf-8", "surrogateescape")
    try:
        http_tracker.parse_announce(query)
    except WebTorrentError:
        http_tracker.parse_scrape(query)


def _http_reply(data: bytes) -> None:
    try:
        response = http_tracker.parse_announce_response(data)
    except WebTorrentError:
        http_tracker.parse_scrape_response(data, INFO_HASH)
    else:
        assert response.warning.isprintable()


def _udp_reply(data: bytes) -> None:
    for ipv6 in (False, True):
        udp_tracker.parse_reply(data, ipv6=ipv6)


_ANNOUNCE_QUERY = (
    http_tracker.announce_url(
        "http://a.example/announce",
        TcpAnnounce(info_hash=INFO_HASH, peer_id=PeerId(b"p" * 20), port=1, event="started"),
    )
    .partition("?")[2]
    .encode()
)


def _sdp(data: bytes) -> None:
    text = data.decode("latin-1")
    for kind in ("offer", "answer"):
        with contextlib.suppress(WebTorrentError):
            DataDescription.parse(text, kind, loopback_candidates=True)
    DataDescription.parse(text, "offer", loopback_candidates=False)


def _web_seed_answer(data: bytes) -> None:
    """A line each: status, Content-Length and Content-Range."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    status, length, content_range = (lines + [""] * 3)[:3]
    response = SimpleNamespace(
        status=int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 206,
        content_length=int(length) if length.isascii() and length.isdigit() else None,
        headers={"Content-Range": content_range},
    )
    part = webseed.FileRange("http://a.example/a", 16384, 16384, 65536)
    webseed._check(cast(aiohttp.ClientResponse, response), part)
    assert response.status == 206
    assert "16384-32767" in content_range


def _retry_after(data: bytes) -> None:
    seconds = webseed._retry_after(data.decode("utf-8", "surrogateescape"))
    assert 0 <= seconds <= webseed.MAX_RETRY_AFTER


def _printable(data: bytes) -> None:
    text = printable(data.decode("utf-8", "surrogateescape"))
    assert not set(text) & _HOSTILE_CHARACTERS
    reach_of(text)


_HOSTILE_CHARACTERS = set("\x00\x07\b\n\r\x1b\x7f\x9b\u200b\u202a\u202b\u202e\u2066\u2069\ufeff")

_PEER_WIRE = (
    bytes([0, 200])
    + Handshake(INFO_HASH, PeerId(b"-XX0001-abcdefghijkl")).encode()
    + b"".join(
        message.encode()
        for message in (
            BitfieldMessage(b"\xff\x80"),
            Extended(0, ExtensionHandshake(ids=extension.OUR_IDS).encode()),
            Unchoke(),
            Have(3),
            Request(1, 0, 16384),
        )
    )
    + Piece.header(1, 0, 64)
    + bytes(64)
)

_WEB_SEED_ANSWERS = (
    b"206\n16384\nbytes 16384-32767/65536",
    b"206\n\nbytes 16384-32767/*",
)

TARGETS: dict[str, Target] = {
    "bencode": Target(_bencode, (b"d1:ad1:bi-1eee", b"li1e3:abcd0:0:ee", b"l" * 50 + b"e" * 50)),
    "metainfo": Target(
        _metainfo,
        (Metainfo(INFO, (("http://a.example/announce",),), ("http://b.example/",)).to_bytes(),),
    ),
    "info": Target(_info, (INFO.raw,)),
    "magnet": Target(
        _magnet,
        (
            str(MagnetLink(INFO_HASH, "a b", ("wss://a.example/",), peers=ADDRESSES)).encode(),
            b"magnet:?xt=urn:btih:" + b"A" * 32 + b"&so=0,2-4&ws=http%3A%2F%2Fb.example%2F",
            str(INFO_HASH).encode(),
        ),
    ),
    "peer wire": Target(_peer_wire, (_PEER_WIRE,)),
    "extension handshake": Target(
        ExtensionHandshake.decode,
        (ExtensionHandshake(ids=extension.OUR_IDS, metadata_size=9, client="x").encode(),),
    ),
    "ut_metadata": Target(
        extension.decode_metadata_message, (MetadataData(0, 40, b"d4:infoe").encode(),)
    ),
    "lt_donthave": Target(extension.decode_dont_have, (bytes(4),)),
    "ut_pex": Target(PexMessage.decode, (PexMessage(ADDRESSES, ADDRESSES).encode(),)),
    "compact addresses": Target(
        lambda data: (
            (decode_ipv4(data[1:], data[0]), decode_ipv6(data[1:], data[0])) if data else None
        ),
        (bytes(19),),
    ),
    "local announce": Target(
        LocalAnnounce.decode, (LocalAnnounce(6881, (INFO_HASH,), "c").encode(GROUP_IPV4),)
    ),
    "DHT message": Target(
        _krpc,
        (
            krpc.Message(b"t", krpc.GetPeers(NODE.id, INFO_HASH, frozenset(Family))).encode(),
            krpc.Message(b"t", krpc.AnnouncePeer(NODE.id, INFO_HASH, b"k", 6881)).encode(),
            krpc.Message(b"t", krpc.Reply(NODE.id, (NODE,), ADDRESSES, b"k")).encode(),
            krpc.Message(b"t", krpc.Failure(201, "no")).encode(),
        ),
    ),
    "DHT state": Target(
        decode_state, (encode_state({Family.IPV4: FamilyState(NODE.id, (NODE,))}),)
    ),
    "WebSocket tracker, requests": Target(
        ws_tracker.parse_request,
        (
            ws_tracker.encode_request(
                ws_messages.Announce(
                    info_hash=INFO_HASH,
                    peer_id=PeerId(b"p" * 20),
                    uploaded=0,
                    downloaded=0,
                    left=None,
                    event="started",
                    numwant=1,
                    offers=(ws_messages.Offer(b"o" * 20, SDP),),
                )
            ).encode(),
            b'{"action":"scrape","info_hash":["' + b"a" * 20 + b'"]}',
        ),
    ),
    "WebSocket tracker, replies": Target(
        ws_tracker.parse_reply,
        (
            ws_tracker.encode_reply(
                ws_messages.RelayedOffer(
                    info_hash=INFO_HASH, peer_id=PeerId(b"p" * 20), offer_id=b"o" * 20, sdp=SDP
                )
            ).encode(),
            b'{"action":"announce","info_hash":"' + b"a" * 20 + b'","interval":30,"complete":1}',
        ),
    ),
    "HTTP tracker, requests": Target(_http_request, (_ANNOUNCE_QUERY, b"info_hash=" + b"x" * 20)),
    "HTTP tracker, replies": Target(
        _http_reply,
        (
            http_tracker.encode_announce_response(
                TcpAnnounceResponse(
                    interval=60, min_interval=30, complete=1, peers=ADDRESSES, external_ip="::1"
                )
            ),
            b"d5:peersld2:ip9:192.0.2.14:porti1eee15:warning message1:xe",
            http_tracker.encode_scrape_response({INFO_HASH: SwarmCounts(1, 2, 3)}),
        ),
    ),
    "UDP tracker, replies": Target(
        _udp_reply,
        (
            bytes(16),
            bytes.fromhex("00000001 00000007 00000708 00000001 00000002 c0000201 1ae1"),
            bytes.fromhex("00000002 00000007 00000001 00000002 00000003"),
            bytes.fromhex("00000003 00000007") + b"no",
        ),
    ),
    "encrypted handshake, dialled": Target(
        mse_talk.dialled,
        tuple(bytes([size]) + mse_talk.PLAIN_TALK[0] for size in (0, 40, 255)),
    ),
    "encrypted handshake, dialled for RC4": Target(
        mse_talk.dialled_for_rc4,
        tuple(bytes([size]) + mse_talk.RC4_TALK[0] for size in (0, 40, 255)),
    ),
    "encrypted handshake, dialling": Target(
        mse_talk.dialling,
        tuple(
            bytes([size]) + talk[1]
            for size in (0, 40, 255)
            for talk in (mse_talk.PLAIN_TALK, mse_talk.RC4_TALK)
        ),
    ),
    "NAT-PMP, addresses": Target(
        AddressRequest().decode_reply, (bytes.fromhex("00800000 00000001 c0000201"),)
    ),
    "NAT-PMP, mappings": Target(
        MappingRequest(6881, 6881, 3600).decode_reply,
        (bytes.fromhex("00820000 00000001 1ae1 1ae2 00000e10"),),
    ),
    "web seed, answers": Target(_web_seed_answer, _WEB_SEED_ANSWERS),
    "Retry-After": Target(
        _retry_after,
        (
            b"120",
            b"Fri, 31 Dec 9999 23:59:59 GMT",
            b"Mon, 01 Jan 0001 00:00:00 -0000",
            b"Fri, 31 Dec 9999 23:59:59 -1200",
        ),
    ),
    "SDP": Target(_sdp, (SDP.encode(),)),
    "printable text": Target(_printable, ("a\u202eb\x1b[31m".encode(),)),
}
