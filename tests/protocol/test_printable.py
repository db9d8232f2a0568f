from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.printable import one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a�[2Jb"),
        ("a\x9b2Jb", "a�2Jb"),
        ("a\u202egnp.exe", "a�gnp.exe"),
        ("a\u200bb", "a�b"),
        ("a\ud800b", "a�b"),
        ("a\x07b", "a�b"),
    ],
)
def test_characters_that_deceive_are_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert one_line(text) == shown


def test_a_line_break_is_replaced_or_makes_a_space() -> None:
    assert printable("a\u2028b\r\nc") == "a�b��c"
    assert one_line("a\u2028b\r\nc") == "a b c"


@given(st.text(alphabet=st.characters()))
def test_nothing_that_moves_a_cursor_is_left(text: str) -> None:
    for shown in (printable(text), one_line(text)):
        kinds = {unicodedata.category(character) for character in shown}
        assert kinds.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
        shown.encode()


def test_names_of_all_languages_stay_as_they_are() -> None:
    for name in ("größe день 数据 🐧.csv", "it's  100% & <b>.txt", "11.02\u202fAM\u3000図.png"):
        assert printable(name) == name
