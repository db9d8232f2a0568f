"""The only seed of a crowd: it sends no piece twice while one is not out, and nobody is stalled by that (BEP 16)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection

import pytest

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.extension import LT_DONTHAVE, OUR_IDS, decode_dont_have
from jupyter_webtorrent.protocol.layout import BLOCK_SIZE
from jupyter_webtorrent.protocol.messages import Extended, Have, Message, Request
from jupyter_webtorrent.swarm.super_seeding import LAPSE_SECONDS, LEAST_SHOWN_BYTES
from tests.swarm.nodes import PIECE_LENGTH, Link, Node, Room, make_torrent

PIECES = 40
INFO, DATA = make_torrent(PIECES * PIECE_LENGTH)


class Crowd(Room):
    """A seed and some who fetch from it and from each other; all that the seed sends is counted."""

    def __init__(
        self, *names: str, fast: bool = True, wanted: Collection[int] | None = None
    ) -> None:
        self.seed = Node("seed", INFO.info_hash, fast=fast)
        self.seed.start(INFO, DATA)
        guest = Node("guest", INFO.info_hash)
        guest.start(INFO, wanted=[])
        self.fetchers = [Node(name, INFO.info_hash, fast=fast) for name in names]
        for node in self.fetchers:
            node.start(INFO, wanted=wanted)
        super().__init__(self.seed, guest, *self.fetchers)
        self.asked: Counter[int] = Counter()
        """Blocks that the seed was asked for, by piece."""
        self.told: defaultdict[str, set[int]] = defaultdict(set)
        """What the seed announced one by one."""
        self.taken_back: defaultdict[str, set[int]] = defaultdict(set)
        """What it said it has no more (BEP 54)."""
        self.connect(self.seed, guest)
        self.settle()  # the silent are no crowd

    def join_all(self) -> None:
        """Everybody meets the seed; they meet each other by `connect_fetchers`."""
        for node in self.fetchers:
            self.connect(self.seed, node)

    def connect_fetchers(self) -> None:
        for place, node in enumerate(self.fetchers):
            for other in self.fetchers[place + 1 :]:
                self.connect(node, other)

    def _deliver(self, link: Link) -> bool:
        for message in link.inbox:
            self._note(link, message)
        return super()._deliver(link)

    def _note(self, link: Link, message: Message) -> None:
        if link.node is self.seed and isinstance(message, Request):
            self.asked[message.index] += 1
        elif link.other.node is self.seed and isinstance(message, Have):
            self.told[link.node.name].add(message.index)
        elif (
            link.other.node is self.seed
            and isinstance(message, Extended)
            and message.extension == OUR_IDS[LT_DONTHAVE]
        ):
            self.taken_back[link.node.name].add(decode_dont_have(message.payload))


def test_one_peer_beside_a_silent_one_is_told_everything_at_once() -> None:
    room = Crowd("alone")
    (guest,) = list(room.seed.swarm.peers)
    guest.extensions = None
    room.join_all()
    room.settle()
    assert room.fetchers[0].complete
    assert not room.told["alone"]


def run_until_complete(room: Crowd, seconds: int = 60) -> None:
    for _ in range(seconds):
        room.step()
        if all(node.complete for node in room.fetchers):
            return
    raise AssertionError("they never have everything")


@pytest.mark.parametrize("fast", [True, False])
def test_a_crowd_gets_everything_and_the_seed_sends_little_twice(fast: bool) -> None:
    room = Crowd("ada", "bob", "cyd", "dan", fast=fast)
    room.join_all()
    room.connect_fetchers()
    run_until_complete(room)
    assert all(node.data == DATA for node in room.fetchers)
    twice = [index for index, blocks in room.asked.items() if blocks > PIECE_LENGTH // BLOCK_SIZE]
    last = LEAST_SHOWN_BYTES // PIECE_LENGTH * len(room.fetchers)
    assert len(twice) <= last // 2, "only what was on its way when all was out is sent twice"


def test_a_peer_is_shown_a_piece_when_it_has_the_last_one_and_never_what_others_are_fetching() -> (
    None
):
    room = Crowd("ada", "bob")
    room.join_all()
    room.fetchers[0].swarm.received = lambda *_: None  # type: ignore[method-assign]
    room.settle()
    assert room.told["ada"]
    assert len(room.told["bob"]) > len(room.told["ada"])
    assert not room.told["ada"] & room.told["bob"]


def test_what_a_peer_leaves_undone_is_shown_to_others() -> None:
    room = Crowd("ada", "bob")
    room.join_all()
    room.fetchers[0].swarm.received = lambda *_: None  # type: ignore[method-assign]
    room.settle()
    silent = room.fetchers.pop(0)
    room.remove(silent)
    run_until_complete(room)


def test_the_first_peer_is_told_everything_at_once() -> None:
    seed, lone = Node("seed", INFO.info_hash), Node("lone", INFO.info_hash)
    seed.start(INFO, DATA)
    lone.start(INFO)
    room = Room(seed, lone)
    room.connect(seed, lone)
    room.settle()
    assert lone.complete


def test_who_is_left_alone_with_the_seed_still_gets_everything() -> None:
    room = Crowd("ada")
    room.join_all()
    run_until_complete(room)
    assert room.fetchers[0].data == DATA


def test_who_wants_few_pieces_is_soon_told_of_all() -> None:
    room = Crowd("ada", "bob", "cyd", wanted=[7, 8])
    room.join_all()
    run_until_complete(room, int(LAPSE_SECONDS) + 3)


def test_a_second_seed_ends_it() -> None:
    room = Crowd("ada", wanted=[7])
    room.join_all()
    room.settle()
    assert len(room.told["ada"]) < PIECES
    other = Node("other seed", INFO.info_hash)
    other.start(INFO, DATA)
    room.nodes.append(other)
    room.connect(room.seed, other)
    room.settle()
    assert len(room.told["ada"]) == PIECES
    assert room.fetchers[0].complete


def test_a_peer_that_has_everything_else_is_not_kept_from_the_last_pieces() -> None:
    room = Crowd("ada", "bob")
    room.join_all()
    room.fetchers[0].swarm.received = lambda *_: None  # type: ignore[method-assign]
    room.settle()
    assert not room.fetchers[1].complete
    for _ in range(5):
        room.step()
    assert room.fetchers[1].complete
    assert room.told["ada"] & room.told["bob"]


def test_a_peer_that_wants_nothing_gets_no_slot() -> None:
    seed, full = Node("seed", INFO.info_hash), Node("full", INFO.info_hash)
    seed.start(INFO, DATA, have=range(10))
    full.start(INFO, DATA, have=range(20))
    room = Room(seed, full)
    near, _ = room.connect(seed, full)
    room.step()
    assert near.peer.am_choking


def set_of(pieces: Collection[int]) -> Bitfield:
    field = Bitfield(PIECES)
    for index in pieces:
        field.add(index)
    return field


def lose(room: Crowd, pieces: Collection[int], *, refetch: bool = False) -> None:
    """The seed's disk lost these pieces."""
    room.seed.swarm.lose(set_of(pieces), room.now, refetch=refetch)
    room.settle()


def silent_crowd() -> Crowd:
    """Two that are shown pieces and ask for none."""
    room = Crowd("ada", "bob")
    room.join_all()
    for node in room.fetchers:
        node.swarm.refill = lambda *_: None  # type: ignore[method-assign]
    room.settle()
    return room


def test_a_peer_hears_only_of_those_lost_pieces_that_it_was_shown() -> None:
    room = silent_crowd()
    shown = {name: set(room.told[name]) for name in ("ada", "bob")}
    lost = set(range(5, 35))
    lose(room, lost)
    for name in ("ada", "bob"):
        assert room.taken_back[name] == shown[name] & lost
    assert room.seed.disconnects == []


def test_who_cannot_be_told_stays_if_it_was_shown_no_lost_piece() -> None:
    room = silent_crowd()
    for peer in room.seed.swarm.peers:
        assert peer.extensions is not None
        peer.extensions.ids.clear()
    lose(room, set(range(PIECES)) - room.told["ada"])
    stay = [peer.handshake.peer_id for peer in room.seed.swarm.peers]
    assert stay == [room.fetchers[0].handshake.peer_id]


def test_a_lost_piece_is_shown_to_nobody_before_it_is_back() -> None:
    room = Crowd("ada", "bob")
    room.join_all()
    room.connect_fetchers()
    lost = set_of(range(10, PIECES))
    room.seed.swarm.lose(lost, room.now, refetch=False)
    for _ in range(20):
        room.step()
    assert room.told["ada"] | room.told["bob"] == set(range(10))
    room.seed.swarm.regain(lost)
    run_until_complete(room)


def test_what_is_out_is_hidden_from_nobody_when_all_the_rest_is_lost() -> None:
    room = Crowd("ada", "bob", "cyd")
    room.join_all()
    room.fetchers[0].swarm.refill = lambda *_: None  # type: ignore[method-assign]
    room.settle()
    cyd = room.fetchers[2]
    out = set(cyd.swarm.have) | set(room.fetchers[1].swarm.have)
    assert out - room.told["ada"]
    assert out < set(range(PIECES))
    lose(room, set(range(PIECES)) - out)
    assert out <= room.told["ada"]


def test_a_lost_piece_that_came_back_is_taken_back_from_all_who_heard_of_it() -> None:
    room = silent_crowd()
    guest = room.nodes[1]
    index = min(set(range(PIECES)) - room.told["ada"] - room.told["bob"])
    lose(room, [index], refetch=True)
    guest.data = DATA
    guest.swarm.regain(set_of([index]))
    room.settle()
    assert index in room.seed.swarm.have
    lose(room, [index])
    for name in ("ada", "bob"):
        assert (index in room.taken_back[name]) == (index in room.told[name])
