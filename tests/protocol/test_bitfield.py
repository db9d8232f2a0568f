from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import ProtocolError

COUNTS = st.integers(0, 40)


@st.composite
def fields(draw: st.DrawFn, count: int | None = None) -> tuple[Bitfield, set[int]]:
    """A bitfield, and the same as Python's own set."""
    size = draw(COUNTS) if count is None else count
    pieces = draw(st.sets(st.integers(0, size - 1))) if size else set()
    field = Bitfield(size)
    for piece in pieces:
        field.add(piece)
    return field, pieces


@st.composite
def pairs(draw: st.DrawFn) -> tuple[tuple[Bitfield, set[int]], tuple[Bitfield, set[int]]]:
    count = draw(COUNTS)
    return draw(fields(count)), draw(fields(count))


def test_piece_0_is_the_high_bit_of_the_first_byte() -> None:
    field = Bitfield.from_bytes(b"\x81\x40", 10)
    assert list(field) == [0, 7, 9]
    assert (len(field), field.count()) == (10, 3)
    assert field.to_bytes() == b"\x81\x40"
    assert repr(field) == "<Bitfield 3 of 10>"


@given(fields())
def test_it_is_a_set_that_survives_the_wire(both: tuple[Bitfield, set[int]]) -> None:
    field, pieces = both
    assert Bitfield.from_bytes(field.to_bytes(), len(field)) == field
    assert Bitfield.from_bytes(memoryview(field.to_bytes()), len(field)) == field
    assert list(field) == sorted(pieces)
    assert field.count() == len(pieces)
    assert field.all() == (len(pieces) == len(field))
    assert field.any() == bool(pieces)
    assert [piece for piece in range(-3, len(field) + 3) if piece in field] == sorted(pieces)


@given(fields(), st.integers(0, 50))
def test_the_first_from_a_start_goes_round_to_the_beginning(
    both: tuple[Bitfield, set[int]], start: int
) -> None:
    field, pieces = both
    later = [piece for piece in pieces if piece >= start]
    assert field.first_from(start) == min(later or pieces, default=None)


@given(pairs())
def test_and_or_and_minus_are_those_of_sets(
    pair: tuple[tuple[Bitfield, set[int]], tuple[Bitfield, set[int]]],
) -> None:
    (one, ones), (two, twos) = pair
    assert set(one & two) == ones & twos
    assert set(one | two) == ones | twos
    assert set(one - two) == ones - twos
    assert (one == two) == (ones == twos)
    assert set(one) == ones, "an operator leaves its operands alone"


def test_sets_of_different_lengths_are_neither_equal_nor_combined() -> None:
    assert Bitfield(8) != Bitfield(9)
    assert Bitfield(8) != b"\x00"
    with pytest.raises(ValueError, match="length"):
        Bitfield(8) & Bitfield(9)


def test_a_new_one_is_empty_and_a_full_one_complete() -> None:
    assert list(Bitfield(11)) == []
    assert list(Bitfield.full(11)) == list(range(11))
    assert Bitfield.full(11).to_bytes() == b"\xff\xe0"
    assert Bitfield.full(11).all()
    assert not Bitfield(11).any()


def test_a_copy_goes_its_own_way() -> None:
    field = Bitfield(3)
    copy = field.copy()
    copy.add(1)
    assert list(field) == []
    copy.discard(1)
    assert copy == field


@pytest.mark.parametrize("piece", [-1, 10, 1 << 40])
def test_a_piece_that_is_not_there_is_neither_added_nor_discarded(piece: int) -> None:
    field = Bitfield(10)
    for change in (field.add, field.discard):
        with pytest.raises(IndexError, match=f"no piece {piece}: there are 10"):
            change(piece)
    assert field == Bitfield(10)


@pytest.mark.parametrize(("data", "count"), [(b"", 1), (b"\0", 0), (b"\0\0", 8), (b"\0", 9)])
def test_the_wrong_number_of_bytes_is_a_protocol_error(data: bytes, count: int) -> None:
    with pytest.raises(ProtocolError, match=f"{(count + 7) // 8} bytes, not {len(data)}"):
        Bitfield.from_bytes(data, count)


@pytest.mark.parametrize(("data", "count"), [(b"\x01", 7), (b"\x40", 1), (b"\0\x20", 10)])
def test_a_spare_bit_that_is_set_is_a_protocol_error(data: bytes, count: int) -> None:
    with pytest.raises(ProtocolError, match=f"{count} pieces has spare bits set"):
        Bitfield.from_bytes(data, count)


@given(st.binary(max_size=6), COUNTS)
def test_any_payload_gives_a_bitfield_or_the_typed_error(data: bytes, count: int) -> None:
    try:
        field = Bitfield.from_bytes(data, count)
    except ProtocolError:
        return
    assert field.to_bytes() == data
    assert len(field) == count


def test_it_changes_and_therefore_cannot_be_hashed() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Bitfield(1))
