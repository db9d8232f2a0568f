"""Bad pieces, and who is found guilty of them; whom a session takes back and whom not."""

from __future__ import annotations

from random import Random

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.messages import HaveAll, Piece, Unchoke
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.swarm import suspects as suspects_module
from jupyter_webtorrent.swarm.bans import CULPRITS_PER_HOST, MAX_BANS, BanList
from jupyter_webtorrent.swarm.commands import Ban, Command, Disconnect, StorePiece
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.rate import RateMeter
from jupyter_webtorrent.swarm.suspects import Suspects
from jupyter_webtorrent.swarm.swarm import Swarm
from tests.swarm.nodes import make_torrent

BLOCK = 1 << 14
INFO, DATA = make_torrent(8 * BLOCK, piece_length=4 * BLOCK)  # two pieces of four blocks


def peer(name: str, host: str = "", dialled: PeerAddress | None = None) -> Peer:
    handshake = Handshake(InfoHash(bytes(20)), PeerId(name.encode().ljust(20, b"-")))
    return Peer(handshake, 0.0, RateMeter(0.0), RateMeter(0.0), host, dialled)


def data(*wrong: int) -> bytearray:
    """Four blocks, some of them wrong."""
    blocks = bytearray(4 * BLOCK)
    for number in wrong:
        blocks[number * BLOCK] = 1
    return blocks


def test_exactly_those_whose_blocks_differ_are_guilty() -> None:
    one, two, three = peer("one"), peer("two"), peer("three")
    suspects = Suspects()
    suspects.add(7, data(1, 3), [one, two, one, three], BLOCK)
    suspects.add(7, data(0), [one, two, two, two], BLOCK)
    assert [suspects.parts(each) for each in (one, two, three)] == [2, 2, 1]
    assert suspects.resolve(8, data()) == set()
    assert suspects.resolve(7, data()) == {one, two, three}
    suspects.add(7, data(2), [one, two, three, two], BLOCK)
    assert suspects.resolve(7, data()) == {three}
    assert not any(each in suspects for each in (one, two, three))
    assert not suspects.pieces


def test_the_hashes_of_bad_copies_take_bounded_memory() -> None:
    first, later = peer("first"), peer("later")
    suspects = Suspects()
    suspects.add(0, data(0), [first] * 4, BLOCK)
    for index in range(1, suspects_module.MAX_BLOCKS // 4 + 1):
        suspects.add(index, bytearray(4), [later] * 4, 1)
    assert 0 not in suspects.pieces
    assert first not in suspects
    assert len(suspects.pieces) == suspects_module.MAX_BLOCKS // 4


def test_a_culprit_is_barred_by_its_id_and_where_it_was_dialled() -> None:
    bans, address = BanList(), PeerAddress("192.0.2.7", 6881)
    culprit = peer("culprit", "192.0.2.7", address)
    bans.add(culprit)
    assert bans.bars_peer(culprit.handshake.peer_id, "")
    assert bans.bars_address(address)
    neighbour = peer("neighbour", "192.0.2.7")
    assert not bans.bars_peer(neighbour.handshake.peer_id, "192.0.2.7")
    assert not bans.bars_address(PeerAddress("192.0.2.7", 6882))


def test_an_address_is_barred_after_three_culprits_there() -> None:
    bans = BanList()
    for number in range(CULPRITS_PER_HOST):
        assert not bans.bars_host("192.0.2.7")
        for _ in range(2):  # the same one twice counts once
            bans.add(peer(f"culprit-{number}", "192.0.2.7"))
    assert bans.bars_host("192.0.2.7")
    assert bans.bars_address(PeerAddress("192.0.2.7", 1))


def test_this_machine_s_own_address_is_never_barred() -> None:
    bans = BanList()
    for number in range(10):
        for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            bans.add(peer(f"culprit-{number}", host))
            assert not bans.bars_host(host)


def test_the_ban_list_is_bounded() -> None:
    bans = BanList()
    for number in range(MAX_BANS + 1):
        bans.add(peer(str(number)))
    assert not bans.bars_peer(peer("0").handshake.peer_id, "")
    assert bans.bars_peer(peer("1").handshake.peer_id, "")


class Table:
    """A leech and the peers it asks, whose answers the test gives."""

    def __init__(self, info: Info = INFO) -> None:
        self.swarm = Swarm(info.info_hash, Random(1), 0.0)
        self.swarm.start(info, Bitfield(info.piece_count), range(info.piece_count), 0.0)
        self.now = 0.0

    def join(self, name: str, *, proven: bool = False) -> Peer:
        handshake = Handshake(self.swarm.info_hash, PeerId(name.encode().ljust(20, b"-")))
        joined = self.swarm.peer_joined(handshake, self.now)
        self.swarm.received(joined, HaveAll(), self.now)
        self.swarm.received(joined, Unchoke(), self.now)
        joined.good_pieces = int(proven)
        return joined

    def answer(self, sender: Peer, count: int = 99, *, wrong: bool = False) -> list[Command]:
        """Send what was asked for, and verify the pieces that this completes; all other commands."""
        self.now += 0.1
        self.swarm.refill(sender, self.now)
        for index, begin in list(sender.requests)[:count]:
            start = index * INFO.piece_length + begin
            block = bytes(BLOCK) if wrong else DATA[start : start + BLOCK]
            self.swarm.received(sender, Piece(index, begin, block), self.now)
        others: list[Command] = []
        for command in self.swarm.take_commands():
            if isinstance(command, StorePiece):
                start = command.index * INFO.piece_length
                ok = command.data == DATA[start : start + len(command.data)]
                self.swarm.piece_stored(command.index, self.now, ok=ok)
            else:
                others.append(command)
        return others + self.swarm.take_commands()


def banned(commands: list[Command]) -> list[Peer]:
    return [command.peer for command in commands if isinstance(command, Ban)]


def test_a_peer_that_spoils_a_piece_alone_is_banned_at_once() -> None:
    table = Table()
    liar = table.join("liar")
    commands = table.answer(liar, wrong=True)
    assert set(banned(commands)) == {liar}
    assert any(isinstance(c, Disconnect) and c.peer is liar and c.final for c in commands)


def test_one_wrong_block_among_others_is_found_when_the_piece_comes_again() -> None:
    table = Table()
    liar, honest = table.join("liar", proven=True), table.join("honest", proven=True)
    liar.pipeline.depth = 1
    table.answer(liar, 1, wrong=True)
    commands: list[Command] = []
    for _ in range(10):
        commands += table.answer(honest) + table.answer(liar)  # from now on it tells the truth
    assert table.swarm.is_complete
    assert banned(commands) == [liar]


def test_a_culprit_that_has_left_is_banned_all_the_same() -> None:
    table = Table()
    liar, honest = table.join("liar", proven=True), table.join("honest", proven=True)
    liar.pipeline.depth = 1
    table.answer(liar, 1, wrong=True)
    table.swarm.peer_left(liar, table.now)
    commands: list[Command] = []
    for _ in range(5):
        commands += table.answer(honest)
    assert table.swarm.is_complete
    assert banned(commands) == [liar]


def test_a_new_peer_gets_two_pieces_of_its_own_until_one_is_good() -> None:
    info, _ = make_torrent(16 * BLOCK, piece_length=BLOCK)
    table = Table(info)
    new, old = table.join("new"), table.join("old", proven=True)
    for each in (new, old):
        table.swarm.refill(each, 0.0)
    assert len(new.requests) == 2
    assert len(old.requests) == 8


def test_a_banned_peer_s_blocks_are_taken_out_of_every_piece() -> None:
    table = Table()
    liar, honest = table.join("liar", proven=True), table.join("honest", proven=True)
    liar.pipeline.depth = 5
    table.swarm.refill(liar, 0.0)
    begun_second = list(liar.requests)[4]
    start = begun_second[0] * INFO.piece_length + begun_second[1]
    table.swarm.received(liar, Piece(*begun_second, bytes(BLOCK)), 0.0)
    assert DATA[start : start + BLOCK] != bytes(BLOCK)
    liar.pipeline.depth = 0
    commands = table.answer(liar, 4, wrong=True)
    assert banned(commands) == [liar]
    table.swarm.peer_left(liar, 1.0)
    for _ in range(5):
        assert not banned(table.answer(honest))
    assert table.swarm.is_complete
    downloader = table.swarm.downloader
    assert downloader is not None
    assert downloader.wasted_bytes == 5 * BLOCK


def test_a_peer_that_trickles_does_not_keep_a_piece_to_itself_for_ever() -> None:
    table = Table()
    liar, slow = table.join("liar", proven=True), table.join("slow", proven=True)
    liar.pipeline.depth = 1
    table.answer(liar, 1, wrong=True)
    for _ in range(3):
        table.answer(slow)  # the second copy of the bad piece is slow's alone from here on
    fresh = table.join("fresh", proven=True)
    (index, _), *_ = slow.requests or liar.requests
    downloader = table.swarm.downloader
    assert downloader is not None
    assert not table.swarm.is_complete
    for _ in range(100):
        table.now += 1.0
        table.answer(fresh)
        if index in downloader.have:
            break
    assert index in downloader.have
