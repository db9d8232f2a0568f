"""What the demo prints about the transfers: one readable table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jupyter_webtorrent.kernel import text
from notebooks.demo.observer import Move

_HEADER = ("what", "size", "to", "from", "over", "time", "speed", "peer")


def table(moves: Sequence[Move]) -> str:
    """The moves, one a line, below a header."""
    rows = [_HEADER, *(_row(move) for move in moves)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _row(move: Move) -> tuple[str, ...]:
    return (
        text.short_name(move.name),
        text.size(move.total),
        move.to,
        ", ".join(move.senders),
        _transports(move.by_transport),
        _duration(move.seconds),
        text.rate(move.total / max(move.seconds, 1e-3)),
        ", ".join(move.peers) or "-",
    )


def _duration(seconds: float) -> str:
    return text.duration(seconds) if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _transports(by_transport: dict[str, int]) -> str:
    """`tcp`, or with more than one `tcp 58 MB, webrtc 2 MB`."""
    if len(by_transport) == 1:
        return next(iter(by_transport))
    return ", ".join(f"{kind} {text.size(count)}" for kind, count in by_transport.items())


def _line(row: Iterable[str], widths: Iterable[int]) -> str:
    cells = zip(row, widths, strict=True)
    return "  ".join(cell.ljust(width) for cell, width in cells).rstrip()
