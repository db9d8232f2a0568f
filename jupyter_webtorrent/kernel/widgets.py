"""Panels of core ipywidgets: a transfer, a fetch, a share.

They need no build step and work wherever ipywidgets do. Foreign text reaches labels and text fields only, never
HTML, and labels only without what they would set as mathematics.
"""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from ipywidgets import (  # type: ignore[import-untyped]
    Button,
    FloatProgress,
    Label,
    Layout,
    Text,
    Textarea,
    VBox,
    Widget,
)

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.sharing import fetch, share
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.kernel.watch import watch_of
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus

_WIDE = {"width": "auto", "max_width": "60em"}
_NAMES = {"description_width": "4em"}
_COLUMNS = 90
"""Labels do not wrap: a longer text takes several."""
_LINE_MARGIN = "-4px 2px"
"""Labels are as tall as buttons: this brings lines of text as close as they are elsewhere."""
_ERROR_COLOR = "var(--jp-error-color1, #d32f2f)"
_BAR_STYLES = {TransferState.SEEDING: "success", TransferState.FAILED: "danger"}


class CopyField(Textarea):  # type: ignore[misc]
    """Text to be copied: it can be selected, and springs back when it is changed."""

    def __init__(self, **kwargs: Any) -> None:
        self._kept = ""
        super().__init__(rows=3, layout=Layout(**_WIDE), style=_NAMES, **kwargs)
        self.observe(self._spring_back, "value")

    def show(self, value: str) -> None:
        self._kept = value
        self.value = value

    def _spring_back(self, change: object) -> None:
        if self.value != self._kept:
            self.value = self._kept


class Words(VBox):  # type: ignore[misc]
    """Foreign text of any length, as plain lines."""

    def __init__(self, color: str | None = None) -> None:
        self._style = {} if color is None else {"text_color": color}
        self._labels: list[Any] = []
        super().__init__([], layout=Layout(**_WIDE))

    @property
    def value(self) -> str:
        """The lines that are shown, as one."""
        return " ".join(label.value for label in self._labels if label.value)

    def show(self, words: str) -> None:
        lines = textwrap.wrap(text.label(words), _COLUMNS, break_on_hyphens=False)
        while len(self._labels) < len(lines):
            self._labels.append(Label(style=self._style, layout=Layout(margin=_LINE_MARGIN)))
        for label, line in zip_longest(self._labels, lines):
            label.value = line or ""
            label.layout.display = "none" if line is None else "flex"
        self.children = tuple(self._labels)

    def close(self) -> None:
        for label in self._labels:
            label.close()
        super().close()


def progress_bar() -> FloatProgress:
    """From 0 to 1, and as slim as the side panel's."""
    return FloatProgress(min=0.0, max=1.0, layout=Layout(height="14px", **_WIDE))


class TransferView(VBox):  # type: ignore[misc]
    """One transfer, live: its name, how far it is, how fast, and the link to give on."""

    def __init__(self, transfer: Transfer) -> None:
        self._name = Label(style={"font_weight": "bold"})
        self._bar = progress_bar()
        self._detail = Words()
        self._magnet = CopyField(description="Link")
        self._status = transfer.status
        self._watch = watch_of(transfer.client)
        super().__init__([self._name, self._bar, self._detail, self._magnet])
        self._show(self._status, "")
        self._watch.add(transfer.info_hash, self._show)

    def close(self) -> None:
        self._watch.discard(self._show)
        for child in self.children:
            child.close()
        super().close()

    def _show(self, status: TransferStatus | None, problem: str) -> None:
        self._status = status or self._status
        self._name.value = text.label(text.name_of(self._status))
        self._bar.value = text.fraction(self._status)
        self._bar.bar_style = _BAR_STYLES.get(self._status.state, "")
        self._magnet.show(self._status.magnet)
        if problem:
            self._detail.show(problem)
        elif status is None:
            self._detail.show("no longer in the list of this server")
        else:
            arrived = ", ".join(map(text.place, status.paths)) if status.downloaded else ""
            self._detail.show(text.progress_line(status) + (arrived and f" -> {arrived}"))


class _RequestPanel(VBox):  # type: ignore[misc]
    """A form, a button, a line for what went wrong, and the transfer that came of it."""

    def __init__(self, fields: list[Widget], action: str, request: Callable[[], Transfer]) -> None:
        self.button = Button(description=action, button_style="primary")
        self.error = Words(color=_ERROR_COLOR)
        self.view: TransferView | None = None
        self._form = [*fields, self.button, self.error]
        self._request = request
        self.button.on_click(lambda _: self.start())
        super().__init__(self._form)

    def start(self) -> threading.Thread:
        """What the button does, in a thread: hashing a large file must not hold the kernel up."""
        self.button.disabled = True
        thread = threading.Thread(target=self._run, name="webtorrent-panel", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        for child in self.children:
            child.close()
        super().close()

    def _run(self) -> None:
        try:
            self.error.show("")
            view = TransferView(self._request())
            if self.view is not None:
                self.view.close()
            self.view = view
            self.children = (*self._form, view)
        except WebTorrentError as error:
            self.error.show(str(error))
        finally:
            self.button.disabled = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class FetchPanel(_RequestPanel):
    """Paste a link, see it arrive."""

    def __init__(self, link: str = "", folder: str = "") -> None:
        self.link = _field("Link", "a magnet link or info hash", link)
        self.folder = _field("Folder", "the notebook's own", folder)
        super().__init__([self.link, self.folder], "Fetch", self._fetch)

    def _fetch(self) -> Transfer:
        if not self.link.value.strip():
            raise WebTorrentError("Paste a link first.")
        return fetch(self.link.value, self.folder.value.strip() or None)


class SharePanel(_RequestPanel):
    """Name a file or folder, get the link to give to others."""

    def __init__(self, path: str = "") -> None:
        self.path = _field("Path", "a file or folder", path)
        super().__init__([self.path], "Share", self._share)

    def _share(self) -> Transfer:
        if not self.path.value.strip():
            raise WebTorrentError("Name a file or folder first.")
        return share(self.path.value.strip())


def live_view(transfer: Transfer, **kwargs: Any) -> dict[str, Any]:
    """The MIME bundle of a TransferView, for a rich display."""
    return dict(TransferView(transfer)._repr_mimebundle_(**kwargs) or {})


def _field(name: str, placeholder: str, value: str) -> Text:
    return Text(
        value=value,
        description=name,
        placeholder=placeholder,
        layout=Layout(**_WIDE),
        style=_NAMES,
    )
