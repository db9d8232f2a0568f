"""The panel that shares: choose files and folders, get the link, the .torrent and a QR code for others."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from ipywidgets import (  # type: ignore[import-untyped]
    BoundedFloatText,
    Checkbox,
    Image,
    Label,
    Layout,
    Textarea,
)

from jupyter_webtorrent.kernel.paths import absolute
from jupyter_webtorrent.kernel.sharing import share
from jupyter_webtorrent.kernel.torrent_file import save_beside
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.kernel.widgets.anywidgets import Busy
from jupyter_webtorrent.kernel.widgets.browser import FolderBrowser
from jupyter_webtorrent.kernel.widgets.parts import (
    ERROR_COLOR,
    NAMES,
    WIDE,
    CopyField,
    Fold,
    Panel,
    Words,
    button,
    field,
    in_background,
    visible,
)
from jupyter_webtorrent.kernel.widgets.qr import qr_png, short_link
from jupyter_webtorrent.kernel.widgets.view import TransferView
from jupyter_webtorrent.protocol.errors import WebTorrentError


class ShareOptions(Fold):
    """What most people leave as it is."""

    def __init__(self) -> None:
        self.name = field("Name", "what others get to see; the file's or folder's own")
        self.private = Checkbox(
            description="Private: let peers be found by the trackers alone",
            indent=False,
            layout=Layout(**WIDE),
        )
        self.trackers = Textarea(
            description="Trackers",
            placeholder="one URL a line; the server's own",
            tooltip="Trackers: one URL a line; none: the server's own",
            rows=2,
            layout=Layout(**WIDE),
            style=NAMES,
        )
        self.ratio = _goal("Stop after times its size", "Pause once so much was sent; 0: never")
        self.hours = _goal("Stop after hours", "Pause after so many hours; 0: never")
        super().__init__(
            "Options", [self.name, self.private, self.trackers, self.ratio, self.hours]
        )

    def share(self, paths: Sequence[str]) -> Transfer:
        return share(
            paths,
            name=self.name.value.strip() or None,
            trackers=self.trackers.value.split() or None,
            private=self.private.value,
            seed_ratio=self.ratio.value or None,
            seed_seconds=self.hours.value * 3600 or None,
        )


def _goal(name: str, tooltip: str) -> BoundedFloatText:
    return BoundedFloatText(
        min=0.0,
        max=1e6,
        description=name,
        tooltip=tooltip,
        style={"description_width": "14em"},
        layout=Layout(width="22em"),
    )


class SharedView(Panel):
    """A share, live, and everything that others may be given."""

    def __init__(self, transfer: Transfer, path: Path) -> None:
        self._transfer = transfer
        self._path = path
        self.transfer = TransferView(transfer)
        self.save = button(
            "Save .torrent", f"Write a .torrent file into {path.parent.name}", self._save
        )
        self.saved = CopyField(".torrent", "path of the .torrent file")
        self.error = Words(color=ERROR_COLOR)
        self.qr = Image(
            value=qr_png(short_link(transfer.known.magnet)),
            format="png",  # and no tooltip: ipywidgets draws no image that has one
            layout=Layout(width="240px", height="240px", object_fit="contain"),
        )
        visible(self.saved, False)
        caption = Label("The link as a QR code:")
        super().__init__([self.transfer, self.save, self.saved, self.error, caption, self.qr])

    def _save(self) -> None:
        def work() -> None:
            content = self._transfer.client.metainfo(self._transfer.info_hash)
            self.saved.show(str(save_beside(self._path, content)))
            visible(self.saved, True)

        in_background(work, self.error.show, self.save)


class SharePanel(Panel):
    """Choose files and folders, and get the link to give to others."""

    plain = "A panel to share files: run this cell again to use it, or `%wt share PATH`"

    def __init__(self, path: str = "") -> None:
        self.path = field("Path", "or type the path of a file or folder", path)
        self.button = button("Share", "Share what is chosen", self.start, "primary")
        self.browser = FolderBrowser(Path(absolute(".")))
        self.options = ShareOptions()
        self.busy = Busy(label="Reading the files")
        self.error = Words(color=ERROR_COLOR)
        self.view: SharedView | None = None
        what = [self.browser, self.path, self.options]
        self._form = [*what, self.button, self.busy, self.error]
        super().__init__(self._form)

    def start(self) -> threading.Thread:
        """What the button does, in a thread: hashing a large file must not hold the kernel up."""
        return in_background(self._share, self.error.show, self.button)

    def _share(self) -> None:
        paths = [str(path) for path in self.browser.chosen]
        if self.path.value.strip():
            paths.append(absolute(self.path.value.strip()))
        if not paths:
            raise WebTorrentError("Choose files or folders first.")
        self.busy.active = True
        try:
            view = SharedView(self.options.share(paths), Path(paths[0]))
        finally:
            self.busy.active = False
        if self.closed:
            view.close()
            return
        old, self.view = self.view, view
        self.children = (*self._form, view)
        if old is not None:
            old.close()
