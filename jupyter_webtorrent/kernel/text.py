"""Sizes, times and foreign names as people read them, in plain text.

Names come from strangers: what could move a cursor, turn the text around or be taken for mathematics never
gets as far as a display.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import TransferDetails, TransferState, TransferStatus

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_LONGEST_NAME = 80
_FAR_OFF = 86_400
"""Seconds of a time left that says nothing any more."""
_NO_MATHEMATICS = {
    ord("$"): "\N{FULLWIDTH DOLLAR SIGN}",
    ord("\\"): "\N{FULLWIDTH REVERSE SOLIDUS}",
}


def size(count: float) -> str:
    """Bytes as `13.5 kB`: thousands, as disks and browsers count."""
    unit = 0
    while count >= 999.5 and unit < len(_UNITS) - 1:
        count /= 1000
        unit += 1
    return f"{count:.0f} {_UNITS[0]}" if unit == 0 else f"{count:.3g} {_UNITS[unit]}"


def rate(bytes_per_second: float) -> str:
    return f"{size(bytes_per_second)}/s"


def duration(seconds: float) -> str:
    """Seconds as `0.4 s`, `12 s`, `3 min 20 s` or `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short_name(name: str) -> str:
    """A foreign name fit for a line of its own: harmless, and cut in the middle if it is very long."""
    name = one_line(name)
    if len(name) <= _LONGEST_NAME:
        return name
    half = _LONGEST_NAME // 2
    return f"{name[:half]}\N{HORIZONTAL ELLIPSIS}{name[-half:]}"


def reason_of(error: OSError | ValueError) -> str:
    """Why a path cannot be used; a ValueError is of one that no path can be, as with a NUL in it."""
    return getattr(error, "strerror", None) or str(error)


def place(path: str) -> str:
    """A path as the notebook would write it: relative if it is below its folder."""
    with suppress(ValueError, OSError):  # it is elsewhere, or the folder is gone
        path = str(Path(path).relative_to(Path.cwd()))
    return one_line(path)


def label(text: str) -> str:
    """Foreign text for a widget's label, which would set `$x$` and `\\(x\\)` as mathematics."""
    text = one_line(text)
    return text.translate(_NO_MATHEMATICS) if text.count("$") > 1 or "\\" in text else text


def name_of(status: TransferStatus) -> str:
    """What to call a transfer, whose name may still be unknown."""
    return short_name(status.name) or status.info_hash


def fraction(status: TransferStatus) -> float:
    """From 0 to 1: how much of what is wanted is verified."""
    if status.is_complete:
        return 1.0
    return status.done / status.total if status.total else 0.0


def _time_left(status: TransferStatus) -> str | None:
    """Until it is complete at the rate of now; None if that cannot be told, is days away, or no time at all."""
    if status.down_rate < 1:
        return None
    seconds = (status.total - status.done) / status.down_rate
    if not 1 <= seconds <= _FAR_OFF:
        return None
    return duration(seconds) if seconds >= 9.95 else f"{seconds:.0f} s"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines in which the cells of a column begin below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def progress_line(status: TransferStatus) -> str:
    """How a transfer is doing, without its name: `5.6 of 13.5 kB, 2.1 MB/s from 3 peers`."""
    match status.state:
        case TransferState.METADATA:
            line = "looking for the files"
            if status.peers:
                line += f" among {count(status.peers, 'peer')}"
        case TransferState.CHECKING:
            line = f"checking what is on disk: {size(status.done)} of {size(status.total)}"
        case TransferState.DOWNLOADING:
            line = (
                f"{size(status.done)} of {size(status.total)}, {rate(status.down_rate)} "
                f"from {count(status.peers, 'peer')}"
            )
            left = _time_left(status)
            if left is not None:
                line += f", {left} left"
        case TransferState.SEEDING:
            facts = [f"{size(status.uploaded)} sent"] if status.uploaded else []
            if status.peers:
                facts.append(f"{rate(status.up_rate)} to {count(status.peers, 'peer')}")
            line = f"sharing {size(status.total)}"
            if facts:
                line += f": {', '.join(facts)}"
        case TransferState.PAUSED:
            line = f"paused: {size(status.done)} of {size(status.total)}"
        case TransferState.FAILED:
            line = f"failed: {one_line(status.error)}"
        case TransferState.ON_DEMAND:
            line = "its files are known; what is read of them is fetched"
    return f"{line}; {one_line(status.notice)}" if status.notice else line


def swarm(seeders: int | None, leechers: int | None) -> str:
    """How many a tracker knows: `2 seeders, 1 leecher`; empty if it did not say."""
    if seeders is None or leechers is None:
        return ""
    return f"{count(seeders, 'seeder')}, {count(leechers, 'leecher')}"


def ways(status: TransferStatus) -> str:
    """Over what its peers are connected: `2 over webrtc, 1 over tcp`; empty without peers."""
    used = sorted(status.peers_by_transport.items(), key=lambda item: item[1], reverse=True)
    return ", ".join(f"{peers} over {transport}" for transport, peers in used if peers)


def completion_line(details: TransferDetails) -> str:
    """What a fetch brought: `penguins.csv: 13.5 kB from 1 peer over tcp in 0.4 s -> /path`."""
    status = details.transfer
    came = {transport: amount for transport, amount in status.by_transport.items() if amount}
    target = ", ".join(place(path) for path in status.paths) or one_line(status.folder)
    line = f"{name_of(status)}: {size(status.total)}"
    if came:
        line += f" from {count(sum(peer.downloaded > 0 for peer in details.peers), 'peer')}"
        by_amount = sorted(came, key=came.__getitem__, reverse=True)
        line += f" over {' and '.join(by_amount)} in {duration(status.seconds)}"
    else:
        line += ", already here"
    line = f"{line} -> {target}"
    return f"{line} ({one_line(status.notice)})" if status.notice else line
