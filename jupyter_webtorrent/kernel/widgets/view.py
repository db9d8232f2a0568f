"""One transfer, live: what it is, how far, which pieces are here, its link, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipywidgets import Label, Layout, Widget  # type: ignore[import-untyped]

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.kernel.watch import watch_of
from jupyter_webtorrent.kernel.widgets.anywidgets import PieceBar
from jupyter_webtorrent.kernel.widgets.parts import (
    ERROR_COLOR,
    CopyField,
    Panel,
    Row,
    Words,
    button,
    in_background,
    progress_bar,
    visible,
)
from jupyter_webtorrent.schema.transfers import TransferDetails, TransferState, TransferStatus

_BAR_STYLES = {TransferState.SEEDING: "success", TransferState.FAILED: "danger"}
_ARRIVING = (TransferState.METADATA, TransferState.CHECKING, TransferState.DOWNLOADING)


class Controls(Row):
    """Pause or resume, and remove; what cannot be undone takes a second click."""

    def __init__(self, client: Access, status: TransferStatus, tell: Callable[[str], None]) -> None:
        self._client = client
        self._info_hash = status.info_hash
        self._tell = tell
        self._is_paused = False
        self._asking = False
        self.pause = button("Pause", "", self._turn)
        self.remove = button("Remove", "", lambda: self._ask(True))
        self.sure = button("Remove, keep files", "", lambda: self._remove(False), "warning")
        self.delete = button("Remove and delete files", "", lambda: self._remove(True), "danger")
        self.keep = button("Do nothing", "Leave it as it is", lambda: self._ask(False))
        super().__init__([self.pause, self.remove, self.sure, self.delete, self.keep])
        self.show(status)

    def show(self, status: TransferStatus) -> None:
        name = text.name_of(status)
        self._is_paused = status.state is TransferState.PAUSED
        self.pause.description = "Resume" if self._is_paused else "Pause"
        self.pause.tooltip = f"{self.pause.description} {name}"
        arrives = status.state in _ARRIVING and not status.shared
        self.remove.description = "Cancel" if arrives else "Remove"
        self.remove.tooltip = f"{self.remove.description} {name}"
        self.sure.tooltip = f"Remove {name} from the list; its files stay"
        self.delete.tooltip = f"Remove {name}, and delete what was fetched"
        visible(self.pause, not self._asking and status.state is not TransferState.FAILED)
        visible(self.remove, not self._asking)
        visible(self.sure, self._asking)
        # What is shared from its own place is never deleted.
        visible(self.delete, self._asking and not status.shared)
        visible(self.keep, self._asking)
        self._status = status

    def _ask(self, asking: bool) -> None:
        self._asking = asking
        self.show(self._status)

    def _turn(self) -> None:
        change = self._client.resume if self._is_paused else self._client.pause
        self._do(lambda: self.show(change(self._info_hash)))

    def _remove(self, delete_data: bool) -> None:
        self._do(lambda: self._client.remove(self._info_hash, delete_data=delete_data))

    def _do(self, work: Callable[[], None]) -> None:
        def work_and_look() -> None:
            try:
                work()
            finally:
                self._asking = False
                self.show(self._status)
                watch_of(self._client).look()

        in_background(work_and_look, self._tell, self.pause, self.sure, self.delete)


class TransferCard(Panel):
    """What every view of a transfer begins with: its name, a bar, a line or two, and the controls."""

    def __init__(
        self, client: Access, status: TransferStatus, children: list[Widget] | None = None
    ) -> None:
        self.status = status
        self._place = client.place
        self.name = Label(style={"font_weight": "bold"})
        self.bar = progress_bar()
        self.detail = Words()
        self.trouble = Words(color=ERROR_COLOR)
        self.controls = Controls(client, status, self.trouble.show)
        super().__init__(
            [self.name, self.bar, self.detail, *(children or []), self.controls, self.trouble],
            layout=Layout(margin="0 0 8px 0"),
        )

    def show(self, status: TransferStatus | None, problem: str) -> None:
        """None: it is no longer there, or nobody knows because of the problem."""
        self.status = status or self.status
        self.name.value = text.label(text.name_of(self.status))
        self.name.tooltip = self.name.value
        self.bar.value = text.fraction(self.status)
        self.bar.tooltip = f"{int(self.bar.value * 100)}% of {self.name.value}"
        self.bar.bar_style = _BAR_STYLES.get(self.status.state, "")
        if problem:
            self.detail.show(problem)
        elif status is None:
            self.detail.show(f"no longer in the list of {self._place}")
        else:
            self.detail.show(*_lines(status))
        visible(self.controls, status is not None)
        if status is not None:
            self.controls.show(status)

    def __repr__(self) -> str:
        return f"{text.name_of(self.status)}: {text.progress_line(self.status)}"


class TransferView(TransferCard):
    """One transfer, live, with the link to give on and the map of its pieces."""

    def __init__(self, transfer: Transfer) -> None:
        self._info_hash = transfer.info_hash
        self._watch = watch_of(transfer.client)
        self._has_map = False
        self.pieces = PieceBar()
        self.magnet = CopyField("Link", "link")
        super().__init__(transfer.client, transfer.status, [self.pieces, self.magnet])
        self.show(self.status, "")
        self._watch.add(self._info_hash, self.show)

    def show(self, status: TransferStatus | None, problem: str) -> None:
        super().show(status, problem)
        self.magnet.show(self.status.magnet)
        # A complete map stays as it is, and need not be asked for.
        self._follow_map(status is not None and not status.is_complete)
        if self.status.is_complete:
            self.pieces.fill()

    def close(self) -> None:
        self._watch.discard(self.show)
        self._follow_map(False)
        super().close()

    def _follow_map(self, follow: bool) -> None:
        if follow is self._has_map or (follow and self.closed):
            return
        self._has_map = follow
        if follow:
            self._watch.add_details(self._info_hash, self._show_map)
        else:
            self._watch.discard(self._show_map)

    def _show_map(self, details: TransferDetails) -> None:
        self.pieces.show(details.pieces)


def live_view(transfer: Transfer, **kwargs: Any) -> dict[str, Any]:
    """The MIME bundle of a TransferView, for a rich display."""
    return dict(TransferView(transfer)._repr_mimebundle_(**kwargs) or {})


def _lines(status: TransferStatus) -> list[str]:
    arrived = ", ".join(map(text.place, status.paths)) if status.downloaded else ""
    lines = [text.progress_line(status) + (arrived and f" -> {arrived}")]
    if ways := text.ways(status):
        lines.append(f"Peers: {ways}")
    return lines
