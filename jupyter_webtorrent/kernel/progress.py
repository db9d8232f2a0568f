"""Waits for what takes its time, and shows how far it is: a bar where widgets or a terminal are, else lines.

What stays in the saved notebook is plain text, so that it reads the same where nothing runs.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.errors import TransferCancelledError
from jupyter_webtorrent.kernel.transfer import Ready, Transfer, is_complete
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus

if TYPE_CHECKING:
    from tqdm import tqdm

_QUIET = 0.4
"""Seconds before anything is shown: what is faster needs no bar."""
_BAR_CELLS = 24

ResultT = TypeVar("ResultT")


class Display(Protocol):
    """Where a wait shows itself."""

    def show(self, status: TransferStatus, trouble: str = "") -> None:
        """A transfer as it is, or why there is no news of it."""

    def end(self, status: TransferStatus) -> None:
        """Leave the last state behind as plain text."""


class TextDisplay:
    """A line whenever the state, the notice or the next tenth is reached."""

    def __init__(self) -> None:
        self._printed: object = None

    def show(self, status: TransferStatus, trouble: str = "") -> None:
        news = (trouble, status.state, status.notice, int(text.fraction(status) * 10))
        if news != self._printed:
            self._printed = news
            print(f"{text.name_of(status)}: {trouble or text.progress_line(status)}", flush=True)

    def end(self, status: TransferStatus) -> None:
        """Nothing to tidy: lines stay as they are."""


class TerminalDisplay:
    """A bar of tqdm's on stderr, and a new one for each state."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._state: TransferState | None = None
        self._said = ""

    def show(self, status: TransferStatus, trouble: str = "") -> None:
        bar = self._bar_for(status)
        done = int(text.fraction(status) * status.total)
        bar.total = status.total or None
        bar.set_postfix_str(trouble or text.count(status.peers, "peer"), refresh=False)
        bar.update(done - bar.n)
        bar.refresh()
        if status.notice not in ("", self._said):
            self._said = status.notice
            bar.write(one_line(status.notice), file=sys.stderr)

    def end(self, status: TransferStatus) -> None:
        if self._bar is not None:
            self.show(status)
            self._bar.close()

    def _bar_for(self, status: TransferStatus) -> tqdm[NoReturn]:
        from tqdm import tqdm

        if self._bar is None or status.state is not self._state:
            if self._bar is not None:
                self._bar.leave = False
                self._bar.close()
            self._state = status.state
            name = text.name_of(status)
            self._bar = tqdm(
                # What was there before was not fetched at any rate.
                initial=int(text.fraction(status) * status.total),
                desc=name if status.is_complete else f"{name} ({status.state.value})",
                unit="B",
                unit_scale=True,
                dynamic_ncols=True,
                file=sys.stderr,
            )
        return self._bar


class WidgetDisplay:
    """A bar below a line, and in the end a bar of text in their place.

    `cancel` is called, in another thread, when its button is pressed.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        from ipywidgets import Button, HBox, Layout, VBox  # type: ignore[import-untyped]

        from jupyter_webtorrent.kernel.widgets import Words, progress_bar

        self._cancel = cancel
        self._line = Words()
        self._bar = progress_bar()
        self._bar.layout.flex = "1 1 auto"
        self._button = Button(
            description="Cancel",
            tooltip="End this wait; what came so far is kept",
            layout=Layout(width="auto", visibility="hidden"),
        )
        self._button.on_click(self._press)
        _hear_meanwhile(self._button)
        row = HBox([self._bar, self._button], layout=Layout(max_width="60em", align_items="center"))
        self._box = VBox([self._line, row])
        self._widgets = (self._box, row, self._bar, self._button, self._line)
        self._handle: DisplayHandle | None = None

    def show(self, status: TransferStatus, trouble: str = "") -> None:
        self._bar.value = text.fraction(status)
        self._line.show(f"{text.name_of(status)}: {trouble or text.progress_line(status)}")
        if handles_comms_meanwhile():
            self._button.layout.visibility = "visible"
        if self._handle is None:
            bundle = {**(self._box._repr_mimebundle_() or {}), "text/plain": bar_line(status)}
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def end(self, status: TransferStatus) -> None:
        left = bar_line(status)
        if status.state is TransferState.ON_DEMAND:  # what was waited for is the list of files
            left = f"{text.name_of(status)}: {text.size(status.total)}"
        if self._handle is not None:
            self._handle.update({"text/plain": left}, raw=True)  # type: ignore[no-untyped-call]
        for widget in self._widgets:
            widget.close()

    def _press(self, _: object) -> None:
        self._button.disabled = True
        self._cancel()


def bar_line(status: TransferStatus) -> str:
    """A bar of text: ` 42% ██████████              `."""
    part = text.fraction(status)
    full = int(part * _BAR_CELLS)
    return f"{int(part * 100):3}% {'█' * full}{'░' * (_BAR_CELLS - full)}"


def wait_visibly(
    transfer: Transfer,
    timeout: float | None = None,
    ready: Ready = is_complete,
    *,
    is_ours: bool = False,
) -> None:
    """Block until the transfer is ready, as `Transfer.pauses` does, and show its progress.

    Raises TransferCancelledError if a person cancels the wait. A transfer that `is_ours`, for it was begun only to
    be waited for, is removed then, but what came of it is kept.
    """
    begun = time.monotonic()
    cancelled = threading.Event()
    shown: Display | None = None
    try:
        for pause in transfer.pauses(timeout, ready):
            if shown is None and time.monotonic() - begun >= _QUIET:
                shown = _display(cancelled.set)
            if shown is not None:
                shown.show(transfer.known, transfer.trouble)
            if cancelled.wait(pause):
                if not is_ours:
                    raise TransferCancelledError(
                        f"{text.name_of(transfer.known)} is waited for no longer."
                    )
                transfer.remove()
                raise TransferCancelledError(
                    f"{text.name_of(transfer.known)} is cancelled. What came so far is kept: the same fetch goes "
                    "on with it."
                )
    finally:
        if shown is not None:
            shown.end(transfer.known)


def call_visibly(work: Callable[[], ResultT], what: str) -> ResultT:
    """The result of `work`; if it takes its time, a line says what is being done, and for how long.

    An interrupt ends the wait, not the work, which is done in a thread.
    """
    begun = time.monotonic()
    results: list[ResultT] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="webtorrent-call", daemon=True)
    thread.start()
    thread.join(_QUIET)
    if thread.is_alive():
        line = _Line()
        try:
            while thread.is_alive():
                line.show(f"{what} … {text.duration(int(time.monotonic() - begun))}")
                thread.join(1.0)
        finally:
            done = (
                "" if thread.is_alive() else f", done in {text.duration(time.monotonic() - begun)}"
            )
            line.end(what + done)
    if errors:
        raise errors[0]
    return results[0]


class _Line:
    """One line of text that changes in place where that is possible."""

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def show(self, words: str) -> None:
        if in_notebook():
            bundle = {"text/plain": words}
            if self._handle is None:
                self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
            else:
                self._handle.update(bundle, raw=True)  # type: ignore[no-untyped-call]
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r{words}\033[K")
            sys.stderr.flush()

    def end(self, words: str) -> None:
        self.show(words)
        if not in_notebook() and sys.stderr.isatty():
            sys.stderr.write("\n")


def _display(cancel: Callable[[], None]) -> Display:
    if has_widgets():
        return WidgetDisplay(cancel)
    return TerminalDisplay() if sys.stderr.isatty() else TextDisplay()


def has_widgets() -> bool:
    """Whether this is a notebook's kernel, with ipywidgets."""
    return in_notebook() and find_spec("ipywidgets") is not None


def handles_comms_meanwhile() -> bool:
    """Whether a button that is pressed while a cell runs is heard of before its end.

    It is where the front end has made a subshell (JEP 91) for the widgets' messages, as JupyterLab and Notebook do
    in a kernel that has them. Anywhere else a person interrupts the cell.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    manager = getattr(getattr(kernel, "shell_channel_thread", None), "manager", None)
    return manager is not None and bool(manager.list_subshell())


def _hear_meanwhile(widget: Any) -> None:
    """Let the front end say in which subshell it is heard.

    ipykernel (7.4) prefers the shell from which a widget was last told anything: that of the cell, which is busy.
    """
    vars(widget.comm).pop("_reply_subshell_id", None)


def in_notebook() -> bool:
    return getattr(get_ipython(), "kernel", None) is not None
