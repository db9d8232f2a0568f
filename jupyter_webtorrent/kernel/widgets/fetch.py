"""The panel that fetches: a link's files are shown before any of them is fetched, then it is watched arriving."""

from __future__ import annotations

import threading
import time

from jupyter_webtorrent.kernel import client as clients
from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.preview import Preview
from jupyter_webtorrent.kernel.watch import watch_of
from jupyter_webtorrent.kernel.widgets.anywidgets import Busy
from jupyter_webtorrent.kernel.widgets.chooser import FileChooser
from jupyter_webtorrent.kernel.widgets.parts import (
    ERROR_COLOR,
    Panel,
    Row,
    Words,
    button,
    field,
    in_background,
    visible,
)
from jupyter_webtorrent.kernel.widgets.view import TransferView
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus

_PATIENCE = 15.0
"""Seconds without an answer after which it is worth a word."""


class FetchPanel(Panel):
    """Paste a link, see what it brings, choose, and watch it arrive."""

    plain = "A panel to fetch a link: run this cell again to use it, or `%wt fetch LINK`"

    def __init__(self, link: str = "", folder: str = "") -> None:
        self.link = field("Link", "a magnet link, an info hash or a .torrent file", link)
        self.folder = field("Folder", "the notebook's own", folder)
        self.look = button("Look", "Show what the link stands for", self.start, "primary")
        self.fetch = button("Fetch", "Fetch the chosen files", self.start_fetch, "primary")
        self.cancel = button("Cancel", "Forget this link", self.start_cancel)
        self.busy = Busy(label="Looking for the files")
        self.name = Words()
        self.error = Words(color=ERROR_COLOR)
        self.preview: Preview | None = None
        self.chooser: FileChooser | None = None
        self.view: TransferView | None = None
        self._begun = 0.0
        # A look that comes to its end and a person who cancels it meet here.
        self._lock = threading.RLock()
        self._actions = Row([self.fetch, self.cancel])
        super().__init__([])
        self._show()

    def start(self) -> threading.Thread:
        """What Look does, in a thread."""
        return in_background(self._look, self.error.show, self.look)

    def start_fetch(self) -> threading.Thread:
        """What Fetch does, in a thread."""
        return in_background(self._fetch, self.error.show, self.fetch, self.cancel)

    def start_cancel(self) -> threading.Thread:
        """What Cancel does, in a thread."""
        return in_background(self._forget, self.error.show)

    def close(self) -> None:
        preview = self._let_go()
        if preview is not None:
            in_background(preview.cancel, lambda _: None)
        for widget in (self.folder, self.look, self._actions, self.busy, self.name, self.error):
            widget.close()
        super().close()

    def _look(self) -> None:
        if not self.link.value.strip():
            raise WebTorrentError("Paste a link first.")
        self._forget()
        if self.view is not None:
            self.view.close()
            self.view = None
        preview = Preview(clients.connect(), self.link.value)
        with self._lock:
            if self.closed:
                preview.cancel()
                return
            self.preview = preview
            self._begun = time.monotonic()
            self._show()
            self._looked(preview.status, "")
            if self.preview is not None and self.chooser is None:
                watch_of(preview.client).add(preview.info_hash, self._looked)

    def _looked(self, status: TransferStatus | None, problem: str) -> None:
        with self._lock:
            preview = self.preview
            if preview is None or self.chooser is not None:
                return
            if problem or status is None:
                self.name.show(problem or f"no longer in the list of {preview.client.place}")
            elif status.state is TransferState.FAILED:
                self.error.show(f"This link cannot be fetched: {one_line(status.error)}")
                self._forget()
            elif status.state is TransferState.METADATA:
                self._show_waiting(status)
            else:
                self._show_files(preview, status)

    def _show_waiting(self, status: TransferStatus) -> None:
        lines = [text.progress_line(status)]
        elapsed = time.monotonic() - self._begun
        if elapsed > _PATIENCE:
            lines.append(
                f"No answer for {text.duration(elapsed)}. Whoever shares it must be online; "
                "wait for them, or cancel."
            )
        self.name.show(*lines)

    def _show_files(self, preview: Preview, status: TransferStatus) -> None:
        watch_of(preview.client).discard(self._looked)
        files = preview.files()
        size = text.size(sum(file.length for file in files))
        line = f"{text.name_of(status)}: {text.count(len(files), 'file')}, {size}"
        if preview.was_there:
            line += f" (in the list already: {text.progress_line(status)})"
        self.name.show(line)
        self.chooser = FileChooser(files, self._chosen)
        self._show()

    def _chosen(self) -> None:
        self.fetch.disabled = self.chooser is not None and not self.chooser.chosen

    def _fetch(self) -> None:
        with self._lock:
            preview, chooser = self.preview, self.chooser
        if preview is None or chooser is None:
            return
        files = [] if chooser.is_all else sorted(chooser.chosen)
        transfer = preview.fetch(self.folder.value.strip() or ".", files)
        self._let_go()
        self.view = TransferView(transfer)
        self._show()
        if self.closed:
            self.view.close()

    def _forget(self) -> None:
        """Back to the beginning; what was only looked at is removed."""
        preview = self._let_go()
        self._show()
        if preview is not None:
            preview.cancel()

    def _let_go(self) -> Preview | None:
        with self._lock:
            preview, self.preview = self.preview, None
            chooser, self.chooser = self.chooser, None
        if preview is not None:
            watch_of(preview.client).discard(self._looked)
        if chooser is not None:
            chooser.close()
        return preview

    def _show(self) -> None:
        looking = self.preview is not None and self.chooser is None
        self.busy.active = looking
        visible(self.fetch, self.chooser is not None)
        parts = [self.link]
        if self.preview is None:
            parts += [self.look, self.error]
        elif self.chooser is None:
            parts += [self.busy, self.name, self._actions, self.error]
        else:
            parts += [self.name, self.chooser, self.folder, self._actions, self.error]
        if self.view is not None:
            parts.append(self.view)
        self.children = parts
