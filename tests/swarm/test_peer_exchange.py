from __future__ import annotations

from random import Random

import pytest

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.extension import UT_PEX, ExtensionHandshake
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.pex import MAX_PEERS, PexMessage
from jupyter_webtorrent.swarm.commands import Send
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.peer_exchange import MAX_EARLY_MESSAGES, PeerExchange
from jupyter_webtorrent.swarm.rate import RateMeter

MINUTE = 70.0
"""A minute with the jitter of those who tell."""


def peer(host: str, *, port: int | None = 6881, speaks: bool = True) -> Peer:
    handshake = Handshake(InfoHash(bytes(20)), PeerId(host.encode().ljust(20, b"-")[:20]))
    peer = Peer(handshake, 0.0, RateMeter(0.0), RateMeter(0.0), host)
    peer.extensions = ExtensionHandshake(ids={UT_PEX: 7} if speaks else {}, listen_port=port)
    return peer


def told(sends: list[Send]) -> dict[Peer, PexMessage]:
    messages = {}
    for send in sends:
        (message,) = send.messages
        messages[send.peer] = PexMessage.decode(message.payload)  # type: ignore[union-attr]
    return messages


def test_a_newcomer_is_soon_told_of_all_others_but_itself() -> None:
    exchange, peers = PeerExchange(Random(1)), [peer(f"10.0.0.{n}") for n in range(1, 4)]
    assert exchange.tick(peers, 0.0) == []
    messages = told(exchange.tick(peers, 10.0))
    assert messages[peers[0]].added == (
        PeerAddress("10.0.0.2", 6881),
        PeerAddress("10.0.0.3", 6881),
    )
    assert len(messages) == 3


def test_later_only_what_changed_is_told_and_at_most_once_a_minute() -> None:
    exchange, peers = PeerExchange(Random(1)), [peer(f"10.0.0.{n}") for n in range(1, 4)]
    exchange.tick(peers, 0.0)
    exchange.tick(peers, 10.0)
    assert exchange.tick(peers, 10.0 + MINUTE) == []
    changed = [*peers[:2], peer("10.0.0.9")]
    exchange.tick(peers, 20.0 + MINUTE)
    message = told(exchange.tick(changed, 20.0 + MINUTE))[peers[0]]
    assert message.added == (PeerAddress("10.0.0.9", 6881),)
    assert message.dropped == (PeerAddress("10.0.0.3", 6881),)
    more = [*changed, peer("10.0.0.10")]
    assert peers[0] not in told(exchange.tick(more, 50.0 + MINUTE))


def test_no_more_than_fifty_are_told_at_once_and_the_rest_a_minute_later() -> None:
    exchange, peers = PeerExchange(Random(1)), [peer(f"10.0.1.{n}") for n in range(1, 71)]
    exchange.tick(peers, 0.0)
    first = told(exchange.tick(peers, 10.0))[peers[0]]
    second = told(exchange.tick(peers, 10.0 + MINUTE))[peers[0]]
    assert len(first.added) == MAX_PEERS
    assert len(set(first.added) | set(second.added)) == 69


def test_whoever_does_not_speak_it_or_cannot_be_dialled_is_left_out() -> None:
    exchange = PeerExchange(Random(1))
    listener, browser, deaf = peer("10.0.0.1"), peer("10.0.0.2", port=None), peer("10.0.0.3")
    deaf.extensions = ExtensionHandshake(ids={}, listen_port=6881)
    peers = [listener, browser, deaf]
    exchange.tick(peers, 0.0)
    messages = told(exchange.tick(peers, 10.0))
    assert messages[listener].added == (PeerAddress("10.0.0.3", 6881),)
    assert messages[browser].added == (PeerAddress("10.0.0.1", 6881), PeerAddress("10.0.0.3", 6881))
    assert deaf not in messages


def test_the_internet_is_not_told_of_local_machines_nor_believed_about_them() -> None:
    exchange = PeerExchange(Random(1))
    public, local = peer("8.8.8.8"), peer("192.168.1.2")
    exchange.tick([public, local], 0.0)
    messages = told(exchange.tick([public, local], 10.0))
    assert public not in messages
    assert messages[local].added == (PeerAddress("8.8.8.8", 6881),)
    names = PexMessage(
        (PeerAddress("192.168.1.1", 80), PeerAddress("127.0.0.1", 22), PeerAddress("9.9.9.9", 1))
    )
    assert exchange.received(public, names.encode(), 20.0) == (PeerAddress("9.9.9.9", 1),)


def test_a_message_that_comes_too_early_is_ignored_and_a_flood_ends_the_connection() -> None:
    exchange, talker = PeerExchange(Random(1)), peer("10.0.0.1")
    payload = PexMessage((PeerAddress("10.0.0.7", 1),)).encode()
    assert exchange.received(talker, payload, 0.0)
    for second in range(MAX_EARLY_MESSAGES):
        assert exchange.received(talker, payload, 1.0 + second) == ()
    with pytest.raises(ProtocolError, match="floods"):
        exchange.received(talker, payload, 10.0)
