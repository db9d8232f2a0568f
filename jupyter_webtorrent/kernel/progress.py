"""Waits for a fetch and shows how far it is: a bar where widgets work, else lines of text.

What stays in the saved notebook is plain text, so that it reads the same where nothing runs.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Protocol

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus

_QUIET = 0.4
"""Seconds before anything is shown: what is faster needs no bar."""
_BAR_CELLS = 24


class Display(Protocol):
    """Where a wait shows itself."""

    def show(self, status: TransferStatus) -> None: ...

    def end(self, status: TransferStatus) -> None:
        """Leave the last state behind as plain text."""


class TextDisplay:
    """A line whenever the state, the notice or the next tenth is reached."""

    def __init__(self) -> None:
        self._printed: tuple[TransferState, str, int] | None = None

    def show(self, status: TransferStatus) -> None:
        news = (status.state, status.notice, int(text.fraction(status) * 10))
        if news != self._printed:
            self._printed = news
            print(f"{text.name_of(status)}: {text.progress_line(status)}", flush=True)

    def end(self, status: TransferStatus) -> None:
        """Nothing to tidy: lines stay as they are."""


class WidgetDisplay:
    """A bar below a line, and in the end a bar of text in their place."""

    def __init__(self) -> None:
        from ipywidgets import VBox  # type: ignore[import-untyped]

        from jupyter_webtorrent.kernel.widgets import Words, progress_bar

        self._line = Words()
        self._bar = progress_bar()
        self._box = VBox([self._line, self._bar])
        self._handle: DisplayHandle | None = None

    def show(self, status: TransferStatus) -> None:
        self._bar.value = text.fraction(status)
        self._line.show(f"{text.name_of(status)}: {text.progress_line(status)}")
        if self._handle is None:
            bundle = {**(self._box._repr_mimebundle_() or {}), "text/plain": bar_line(status)}
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def end(self, status: TransferStatus) -> None:
        if self._handle is not None:
            self._handle.update({"text/plain": bar_line(status)}, raw=True)  # type: ignore[no-untyped-call]
        for widget in (self._box, self._bar, self._line):
            widget.close()


def bar_line(status: TransferStatus) -> str:
    """A bar of text: ` 42% ██████████              `."""
    part = text.fraction(status)
    full = int(part * _BAR_CELLS)
    return f"{int(part * 100):3}% {'█' * full}{'░' * (_BAR_CELLS - full)}"


def wait_visibly(transfer: Transfer, timeout: float | None = None) -> None:
    """Block until the transfer is complete, as `Transfer.wait` does, and show its progress."""
    begun = time.monotonic()
    shown: Display | None = None
    try:
        for pause in transfer.pauses(timeout):
            if shown is None and time.monotonic() - begun >= _QUIET:
                shown = WidgetDisplay() if has_widgets() else TextDisplay()
            if shown is not None:
                shown.show(transfer.known)
            time.sleep(pause)
    finally:
        if shown is not None:
            shown.end(transfer.known)


def has_widgets() -> bool:
    """Whether this is a notebook's kernel, with ipywidgets."""
    shell = get_ipython()
    return getattr(shell, "kernel", None) is not None and find_spec("ipywidgets") is not None
