from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.layout import BLOCK_SIZE, PieceLayout, Segment

LAYOUTS = st.builds(
    PieceLayout,
    st.integers(1, 20),
    st.lists(st.integers(0, 30), max_size=8),
    st.integers(1, 7),
)
THREE_FILES = PieceLayout(10, [15, 0, 8], block_size=4)


def every_byte(layout: PieceLayout) -> list[tuple[int, int]]:
    """The (file, offset) of each byte of the torrent, the slow way."""
    return [(file, at) for file, length in enumerate(layout.file_lengths) for at in range(length)]


def test_a_small_torrent_is_laid_out_as_on_paper() -> None:
    layout = THREE_FILES
    assert (layout.total, layout.piece_count) == (23, 3)
    assert [layout.piece_size(piece) for piece in range(3)] == [10, 10, 3]
    assert [layout.block(0, block) for block in range(3)] == [(0, 4), (4, 4), (8, 2)]
    assert layout.block(2, 0) == (0, 3)
    assert [layout.offset(piece) for piece in range(3)] == [0, 10, 20]
    assert [layout.file_offset(file) for file in range(3)] == [0, 15, 15]
    pieces = [layout.pieces_of_file(file) for file in range(3)]
    assert pieces == [range(2), range(1, 1), range(1, 3)]
    assert layout.segments_of_piece(1) == [Segment(0, 10, 5), Segment(2, 0, 5)]
    assert layout.bytes_of_pieces([0, 2]) == 13
    assert repr(layout) == "<PieceLayout of 23 bytes in 3 files, 3 pieces of 10>"


def test_blocks_are_16_kib_as_everyone_asks_for_them() -> None:
    layout = PieceLayout(1 << 18, [300_000])
    assert BLOCK_SIZE == layout.block_size == 16_384
    assert layout.block(1, 2) == (32_768, 300_000 - (1 << 18) - 32_768)


def test_a_torrent_without_bytes_has_no_pieces() -> None:
    for lengths in ([], [0], [0, 0]):
        layout = PieceLayout(10, lengths)
        assert (layout.total, layout.piece_count) == (0, 0)
        assert layout.segments(0, 0) == []
        assert all(not layout.pieces_of_file(file) for file in range(len(lengths)))


@given(LAYOUTS)
def test_pieces_and_blocks_cover_every_byte_once(layout: PieceLayout) -> None:
    covered: list[int] = []
    for piece in range(layout.piece_count):
        size = 0
        for block in range(-(-layout.piece_size(piece) // layout.block_size)):
            begin, length = layout.block(piece, block)
            assert 0 < length <= layout.block_size
            assert layout.holds(piece, begin, length)
            start = layout.offset(piece) + begin
            covered += range(start, start + length)
            size += length
        assert size == layout.piece_size(piece) <= layout.piece_length
    assert covered == list(range(layout.total))
    assert layout.bytes_of_pieces(range(layout.piece_count)) == layout.total


@given(LAYOUTS, st.data())
def test_segments_are_what_counting_byte_by_byte_gives(
    layout: PieceLayout, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, layout.total))
    end = data.draw(st.integers(start, layout.total))
    segments = layout.segments(start, end - start)
    counted = [
        (segment.file_index, segment.offset + byte)
        for segment in segments
        for byte in range(segment.length)
    ]
    assert counted == every_byte(layout)[start:end]
    assert all(segment.length > 0 for segment in segments)
    assert len({segment.file_index for segment in segments}) == len(segments)


@given(LAYOUTS)
def test_the_pieces_of_a_file_are_those_that_hold_its_bytes(layout: PieceLayout) -> None:
    for file in range(len(layout.file_lengths)):
        pieces = {
            offset // layout.piece_length
            for offset, (owner, _) in enumerate(every_byte(layout))
            if owner == file
        }
        assert set(layout.pieces_of_file(file)) == pieces
        if pieces:
            assert every_byte(layout)[layout.file_offset(file)] == (file, 0)


@given(LAYOUTS, st.integers(-2, 60), st.integers(-2, 22), st.integers(-2, 22))
def test_a_peer_may_ask_for_what_lies_within_one_piece(
    layout: PieceLayout, piece: int, begin: int, length: int
) -> None:
    within = (
        0 <= piece < layout.piece_count
        and length > 0
        and {begin, begin + length - 1} <= set(range(layout.piece_size(piece)))
    )
    assert layout.holds(piece, begin, length) == within


@pytest.mark.parametrize("piece", [-1, 3, 1 << 40])
def test_a_piece_that_is_not_there_is_an_index_error(piece: int) -> None:
    for ask in (
        THREE_FILES.offset,
        THREE_FILES.piece_size,
        THREE_FILES.segments_of_piece,
    ):
        with pytest.raises(IndexError, match=f"no piece {piece}: there are 3"):
            ask(piece)
    with pytest.raises(IndexError):
        THREE_FILES.block(piece, 0)
    with pytest.raises(IndexError):
        THREE_FILES.bytes_of_pieces([0, piece])


@given(LAYOUTS, st.data())
def test_what_is_had_of_a_run_is_what_counting_byte_by_byte_gives(
    layout: PieceLayout, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, layout.total))
    end = data.draw(st.integers(start, layout.total))
    pieces = Bitfield(layout.piece_count)
    for piece in range(layout.piece_count):
        if data.draw(st.booleans()):
            pieces.add(piece)
    had = sum(at // layout.piece_length in pieces for at in range(start, end))
    assert layout.bytes_had(start, end - start, pieces) == had


@pytest.mark.parametrize(("piece", "block"), [(0, -1), (0, 3), (2, 1)])
def test_a_block_that_is_not_there_is_an_index_error(piece: int, block: int) -> None:
    with pytest.raises(IndexError, match=f"piece {piece} has no block {block}"):
        THREE_FILES.block(piece, block)


@pytest.mark.parametrize("file", [-1, 3])
def test_a_file_that_is_not_there_is_an_index_error(file: int) -> None:
    for ask in (THREE_FILES.file_offset, THREE_FILES.pieces_of_file):
        with pytest.raises(IndexError, match=f"no file {file}: there are 3"):
            ask(file)


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (0, 24), (23, 1), (24, 0)])
def test_bytes_that_are_not_there_are_an_index_error(offset: int, length: int) -> None:
    for ask in (THREE_FILES.segments, THREE_FILES.pieces_between):
        with pytest.raises(IndexError, match=f"no {length} bytes at {offset}: there are 23"):
            ask(offset, length)


@pytest.mark.parametrize(
    ("piece_length", "lengths", "block_size"),
    [(0, [1], 1), (1, [1], 0), (-1, [], 1), (1, [1, -1], 1)],
)
def test_sizes_that_make_no_sense_are_refused(
    piece_length: int, lengths: list[int], block_size: int
) -> None:
    with pytest.raises(ValueError, match=r"no such sizes|negative length"):
        PieceLayout(piece_length, lengths, block_size)


def test_a_look_up_among_many_empty_files_finds_the_one_that_holds_the_byte() -> None:
    layout = PieceLayout(16_384, [1, *[0] * 100_000, 2])
    assert layout.segments(0, 3) == [Segment(0, 0, 1), Segment(100_001, 0, 2)]
