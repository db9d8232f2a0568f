"""What tests of widgets share: waiting for a watch's thread, reading all that a widget holds, and a clean end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ipywidgets import Button, Label, Widget  # type: ignore[import-untyped]

_PATIENCE = 5.0


def until(is_so: Callable[[], object]) -> None:
    """Wait for another thread's work; fails after five seconds."""
    end = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it never came"
        threading.Event().wait(0.001)


def all_in(widget: Widget) -> Iterator[Any]:
    """The widget and all below it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_in(child)


def is_shown(widget: Widget) -> bool:
    return bool(widget.layout.display != "none")


def shown_in(widget: Widget) -> Iterator[Any]:
    """The same, but for what is hidden."""
    if is_shown(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from shown_in(child)


def words_in(widget: Widget) -> str:
    """All labels that are shown."""
    return "\n".join(each.value for each in shown_in(widget) if isinstance(each, Label))


def buttons_in(widget: Widget) -> dict[str, Button]:
    """Those that are shown, by what is written on them."""
    return {each.description: each for each in shown_in(widget) if isinstance(each, Button)}
