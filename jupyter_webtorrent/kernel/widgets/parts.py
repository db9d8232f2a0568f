"""What the panels are put together from: lines of foreign text, fields, folds, and work in a thread."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any

from ipywidgets import (  # type: ignore[import-untyped]
    Box,
    Button,
    FloatProgress,
    HBox,
    Label,
    Layout,
    Text,
    VBox,
    Widget,
)

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.widgets.anywidgets import CopyButton
from jupyter_webtorrent.protocol.errors import WebTorrentError

WIDE = {"width": "auto", "max_width": "60em"}
NAMES = {"description_width": "5em"}
_COLUMNS = 90
"""Labels do not wrap: a longer text takes several."""
_LINE_MARGIN = "-4px 2px"
"""Labels are as tall as buttons: this brings lines of text as close as they are elsewhere."""
ERROR_COLOR = "var(--jp-error-color1, #d32f2f)"
_QUIET_COLOR = "var(--jp-ui-font-color2, #808080)"


class _Closing:
    """A box that closes what it holds, for otherwise the notebook would keep it."""

    children: Any
    closed = False

    def close(self) -> None:
        self.closed = True
        for child in self.children:
            child.close()
        super().close()  # type: ignore[misc]


class Panel(_Closing, VBox):  # type: ignore[misc]
    """Widgets below each other; in a saved notebook a line says what they were."""

    plain = "A panel: run this cell again to use it"

    def __repr__(self) -> str:
        return self.plain


class Row(_Closing, HBox):  # type: ignore[misc]
    """Widgets beside each other, on more lines where a window is narrow."""

    def __init__(self, children: Iterable[Widget]) -> None:
        super().__init__(list(children), layout=Layout(flex_flow="row wrap", align_items="center"))


class CopyField(Row):
    """Text to be copied: a field that springs back when it is changed, and a button."""

    def __init__(self, description: str, what: str) -> None:
        self._field = Text(
            description=description,
            tooltip=f"{what}, to be copied",
            continuous_update=False,
            layout=Layout(flex="1 1 auto", width="auto"),
            style=NAMES,
        )
        self._button = CopyButton(what=what)
        super().__init__([self._field, self._button])
        self.layout.max_width = WIDE["max_width"]
        self._field.observe(self._spring_back, "value")

    @property
    def value(self) -> str:
        return str(self._field.value)

    def show(self, value: str) -> None:
        self._button.value = value
        self._field.value = value

    def _spring_back(self, change: object) -> None:
        self._field.value = self._button.value


class Words(Panel):
    """Foreign text of any length, as plain lines; each item of a list begins a new one."""

    def __init__(self, color: str | None = None) -> None:
        self._style = {} if color is None else {"text_color": color}
        self._labels: list[Any] = []
        super().__init__([], layout=Layout(**WIDE))

    @property
    def value(self) -> str:
        """The lines that are shown, as one."""
        return " ".join(label.value for label in self._labels if label.value)

    def show(self, *words: str) -> None:
        lines = [line for each in words for line in _wrapped(each)]
        while len(self._labels) < len(lines):
            self._labels.append(Label(style=self._style, layout=Layout(margin=_LINE_MARGIN)))
        for label, line in zip_longest(self._labels, lines):
            label.value = line or ""
            label.layout.display = "none" if line is None else "flex"
        if len(self.children) != len(self._labels):
            self.children = tuple(self._labels)


class Fold(Panel):
    """A button that shows and hides what is below it."""

    def __init__(
        self, name: str, children: Iterable[Widget], on_turn: Callable[[bool], None] | None = None
    ) -> None:
        self._name = name
        self._on_turn = on_turn
        self.is_open = False
        self.button = button(name, "", lambda: self.turn(not self.is_open))
        self.content = Box(
            list(children),
            layout=Layout(flex_flow="column", padding="0 0 0 12px", overflow="visible"),
        )
        super().__init__([self.button, self.content])
        self._show()

    def turn(self, is_open: bool) -> None:
        self.is_open = is_open
        self._show()
        if self._on_turn is not None:
            self._on_turn(is_open)

    def close(self) -> None:
        for child in self.content.children:
            child.close()
        super().close()

    def _show(self) -> None:
        arrow = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"
        if not self.is_open:
            arrow = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
        self.button.description = f"{arrow} {self._name}"
        self.button.tooltip = f"{'Hide' if self.is_open else 'Show'} {self._name.lower()}"
        self.content.layout.display = "flex" if self.is_open else "none"


def progress_bar() -> FloatProgress:
    """From 0 to 1, and as slim as the side panel's."""
    return FloatProgress(min=0.0, max=1.0, layout=Layout(height="14px", **WIDE))


def quiet_words() -> Words:
    """Lines of lesser importance."""
    return Words(color=_QUIET_COLOR)


def field(name: str, placeholder: str, value: str = "") -> Text:
    return Text(
        value=value,
        description=name,
        placeholder=placeholder,
        tooltip=f"{name}: {placeholder}",
        layout=Layout(**WIDE),
        style=NAMES,
    )


def button(name: str, tooltip: str, on_click: Callable[[], object], style: str = "") -> Button:
    made = Button(
        description=name,
        tooltip=tooltip,
        button_style=style,
        layout=Layout(width="auto", align_self="flex-start"),
    )
    made.on_click(lambda _: on_click())
    return made


def visible(widget: Widget, is_visible: bool) -> None:
    widget.layout.display = None if is_visible else "none"


def in_background(
    work: Callable[[], None], tell: Callable[[str], None], *buttons: Button
) -> threading.Thread:
    """Do it in a thread, for nothing must hold the kernel up; a WebTorrentError is told, and "" before it begins.

    The buttons cannot be pressed meanwhile.
    """

    def run() -> None:
        try:
            tell("")
            work()
        except WebTorrentError as error:
            tell(str(error))
        finally:
            for each in buttons:
                each.disabled = False

    for each in buttons:
        each.disabled = True
    thread = threading.Thread(target=run, name="webtorrent-panel", daemon=True)
    thread.start()
    return thread


def _wrapped(words: str) -> list[str]:
    return textwrap.wrap(text.label(words), _COLUMNS, break_on_hyphens=False)
