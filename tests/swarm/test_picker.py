"""Rarest first, held against a plain count."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.swarm.picker import PiecePicker

PIECES = 12


def bitfield(*pieces: int) -> Bitfield:
    field = Bitfield(PIECES)
    for piece in pieces:
        field.add(piece)
    return field


def open_picker(seed: int = 1) -> PiecePicker:
    picker = PiecePicker(PIECES, Random(seed))
    picker.open = Bitfield.full(PIECES)
    return picker


def test_the_rarest_piece_is_picked() -> None:
    picker = open_picker()
    picker.peer_joined(Bitfield.full(PIECES))
    picker.peer_joined(bitfield(*range(11)))
    assert picker.pick(Bitfield.full(PIECES)) == 11


def test_nothing_is_picked_that_the_peer_has_not() -> None:
    picker = open_picker()
    picker.peer_joined(bitfield(3))
    assert picker.pick(bitfield(3)) == 3
    assert picker.pick(bitfield()) is None


def test_nothing_is_picked_that_is_not_open() -> None:
    picker = open_picker()
    picker.peer_joined(Bitfield.full(PIECES))
    picker.open = bitfield(5)
    assert picker.pick(Bitfield.full(PIECES)) == 5
    picker.open.discard(5)
    assert picker.pick(Bitfield.full(PIECES)) is None


def test_among_equals_chance_decides() -> None:
    picked = set()
    for seed in range(200):
        picker = open_picker(seed)
        picker.peer_joined(Bitfield.full(PIECES))
        picked.add(picker.pick(Bitfield.full(PIECES)))
    assert picked == set(range(PIECES))


@given(
    joins=st.lists(st.sets(st.integers(0, PIECES - 1)), max_size=6),
    gains=st.lists(st.tuples(st.integers(0, 5), st.integers(0, PIECES - 1)), max_size=20),
    losses=st.lists(st.tuples(st.integers(0, 5), st.integers(0, PIECES - 1)), max_size=20),
    leaves=st.sets(st.integers(0, 5)),
)
def test_availability_is_the_number_of_peers_that_have_a_piece(
    joins: list[set[int]],
    gains: list[tuple[int, int]],
    losses: list[tuple[int, int]],
    leaves: set[int],
) -> None:
    picker = open_picker()
    peers = [set(pieces) for pieces in joins]
    for pieces in peers:
        picker.peer_joined(bitfield(*pieces))
    for number, piece in gains:
        if number < len(peers) and piece not in peers[number]:
            peers[number].add(piece)
            picker.peer_has(piece)
    for number, piece in losses:
        if number < len(peers) and piece in peers[number]:
            peers[number].discard(piece)
            picker.peer_lost(piece)
    for number in leaves:
        if number < len(peers):
            picker.peer_left(bitfield(*peers[number]))
            peers[number] = set()
    for piece in range(PIECES):
        assert picker.availability(piece) == sum(piece in pieces for pieces in peers)


def test_what_is_preferred_comes_before_what_is_rare() -> None:
    picker = open_picker()
    picker.peer_joined(Bitfield.full(PIECES))
    picker.peer_joined(bitfield(*range(11)))
    picker.preferred = [bitfield(4), bitfield(2, 3, 4)]
    picked = []
    while (index := picker.pick(Bitfield.full(PIECES))) is not None:
        picked.append(index)
        picker.open.discard(index)
    assert picked[0] == 4
    assert set(picked[1:3]) == {2, 3}
    assert picked[3] == 11
    assert sorted(picked) == list(range(PIECES))


def test_in_sequence_the_first_of_the_preferred_comes_first() -> None:
    picker = open_picker()
    picker.sequential = True
    picker.peer_joined(bitfield(1, 5, 7))
    picker.preferred = [bitfield(7)]
    assert picker.pick(bitfield(1, 5, 7)) == 7
    picker.open.discard(7)
    assert picker.pick(bitfield(1, 5, 7)) == 1
