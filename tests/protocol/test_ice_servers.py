"""STUN and TURN URLs are read strictly, and no text made of them holds a password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.ice_servers import TurnServer, stun_address
from jupyter_webtorrent.protocol.identity import PeerAddress


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("turn:relay.example", TurnServer("relay.example")),
        ("turn:u:p@relay.example:99", TurnServer("relay.example", 99, "udp", "u", "p")),
        ("turn:u:p@10.0.0.1?transport=tcp", TurnServer("10.0.0.1", 3478, "tcp", "u", "p")),
        ("turn:u:p@[2001:db8::1]:99", TurnServer("2001:db8::1", 99, "udp", "u", "p")),
        ("turns:u:p@relay.example", TurnServer("relay.example", 5349, "tls", "u", "p")),
        # As servers with passing credentials name their users.
        ("turn:17%3Ame:p%40:s@h", TurnServer("h", 3478, "udp", "17:me", "p@:s")),
        ("TURN:u:@h", TurnServer("h", 3478, "udp", "u", "")),
    ],
)
def test_a_turn_url_is_read(text: str, server: TurnServer) -> None:
    assert TurnServer.from_text(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "turn:",
        "stun:u:secret@h",
        "turn:secret@h",
        "turn::secret@h",
        "turn:u:secret@",
        "turn:u:secret@h:0",
        "turn:u:secret@h:65536",
        "turn:u:secret@h/path",
        "turn:u:secret@h?transport=sctp",
        "turns:u:secret@h?transport=udp",
        "turn://u:secret@h",
        "turn:u:secret@a b",
        "turn:u:secret@h" + "x" * 3000,
    ],
)
def test_what_is_no_turn_url_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(WebTorrentError, match="not a TURN server") as caught:
        TurnServer.from_text(text)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60).map(lambda text: "turn:" + text))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        server = TurnServer.from_text(text)
    except WebTorrentError:
        return
    assert 0 < server.port < 65536
    assert server.host


def test_no_text_of_a_server_holds_its_credentials() -> None:
    server = TurnServer.from_text("turn:some-user:some-word@h")
    for text in (str(server), repr(server), repr(EngineConfig(turn_servers=(server,)))):
        assert "some-" not in text
        assert "h" in text


def test_a_stun_url_is_read_or_refused() -> None:
    assert stun_address("stun:h") == PeerAddress("h", 3478)
    assert stun_address("stun:[::1]:99") == PeerAddress("::1", 99)
    for text in ("", "h:3478", "stun:", "stun:h:0", "stuns:h", "turn:h", "stun:u@h", "stun:\0"):
        with pytest.raises(WebTorrentError, match="not a STUN server"):
            stun_address(text)
