"""Text from strangers made fit for a terminal, a log or a panel: it cannot move a cursor or turn the line around."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories: control, format (bidirectional, zero width), surrogate, private, separators."""


def printable(text: str) -> str:
    """The same text, with U+FFFD for each control, bidirectional or invisible character, line breaks too."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _UNSAFE else character
        for character in text
    )


def one_line(text: str) -> str:
    """Printable text for a sentence: a run of spaces, tabs and line breaks becomes one space."""
    return printable(" ".join(text.split()))
