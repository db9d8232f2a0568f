"""What a transfer consists of, in lines of text: files, peers, trackers, and who could not be reached and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.widgets.anywidgets import PieceBar
from jupyter_webtorrent.kernel.widgets.parts import CopyField, Panel, Words
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.failures import ConnectionFailure
from jupyter_webtorrent.schema.transfers import (
    FileStatus,
    PeerStatus,
    TrackerStatus,
    TransferDetails,
)

ItemT = TypeVar("ItemT")

_MOST = 20
"""Lines of each kind: a torrent may have a thousand files and peers."""


class DetailsView(Panel):
    """The unfolded part of a transfer's row."""

    def __init__(self) -> None:
        self.pieces = PieceBar()
        self.link = CopyField("Link", "link")
        self.lines = Words()
        super().__init__([self.pieces, self.link, self.lines])

    def show(self, details: TransferDetails) -> None:
        self.pieces.show(details.pieces)
        self.link.show(details.transfer.magnet)
        self.lines.show(*detail_lines(details))


def detail_lines(details: TransferDetails) -> list[str]:
    """At most 20 of each kind, under headings with their numbers."""
    connected = [peer for peer in details.peers if peer.connected]
    return [
        *_section("Files", details.files, _file),
        *_section("Peers", connected, _peer),
        *_section("Trackers", details.trackers, _tracker),
        *_section("Not reached", details.failures, _failure),
    ]


def _section(name: str, items: Sequence[ItemT], line: Callable[[ItemT], str]) -> Iterable[str]:
    if items:
        yield f"{name} ({len(items):,})"
    for item in items[:_MOST]:
        yield f"• {line(item)}"
    if len(items) > _MOST:
        yield f"• and {len(items) - _MOST:,} more"


def _file(file: FileStatus) -> str:
    done = "not wanted" if not file.wanted else f"{int(100 * file.done / max(file.length, 1))}%"
    return f"{text.short_name(file.path)}: {text.size(file.length)}, {done}"


def _peer(peer: PeerStatus) -> str:
    return (
        f"{one_line(peer.address)} over {peer.transport}, {text.short_name(peer.client)}, "
        f"has {int(100 * peer.progress)}%: "
        f"{text.rate(peer.down_rate)} from it, {text.rate(peer.up_rate)} to it"
    )


def _tracker(tracker: TrackerStatus) -> str:
    line = f"{text.short_name(tracker.url)}: {tracker.state}"
    members = text.swarm(tracker.seeders, tracker.leechers)
    if members:
        line += f", {members}"
    return f"{line}, {one_line(tracker.message)}" if tracker.message else line


def _failure(failure: ConnectionFailure) -> str:
    times = f" ({failure.count} times)" if failure.count > 1 else ""
    return f"{text.short_name(failure.address)} over {failure.transport}{times}: {one_line(failure.reason)}"
