"""Chooses among a torrent's files: a page of check boxes at a time, and a filter, so that 10,000 are no trouble."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ipywidgets import Checkbox, Layout, Text  # type: ignore[import-untyped]

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.widgets.parts import (
    NAMES,
    WIDE,
    Panel,
    Row,
    Words,
    button,
    visible,
)
from jupyter_webtorrent.schema.transfers import FileStatus

PAGE = 50


class FileChooser(Panel):
    """Every file is chosen to begin with; `chosen` has the indices."""

    def __init__(self, files: Sequence[FileStatus], on_change: Callable[[], None]) -> None:
        self.chosen = {file.index for file in files}
        self._files = list(files)
        self._matching = self._files
        self._on_change = on_change
        self._begin = 0
        self._filling = False
        self.filter = Text(
            description="Filter",
            placeholder="part of a path",
            tooltip="Show only files whose path has this in it",
            layout=Layout(**WIDE),
            style=NAMES,
        )
        self.all = button("All", "Choose all files that are listed", lambda: self._choose(True))
        self.none = button("None", "Choose none that is listed", lambda: self._choose(False))
        self.back = button("Back", "The files before these", lambda: self._turn(-PAGE))
        self.next = button("Next", "The files after these", lambda: self._turn(PAGE))
        self.summary = Words()
        self._page = Words()
        self.boxes = [self._box(slot) for slot in range(min(len(files), PAGE))]
        super().__init__(
            [
                self.filter,
                Row([self.all, self.none, self.back, self.next]),
                self._page,
                *self.boxes,
                self.summary,
            ]
        )
        for each in (self.filter, self.back, self.next):
            visible(each, len(files) > PAGE)
        for each in (self.all, self.none, *self.boxes):
            visible(each, len(files) > 1)
        self.filter.observe(lambda _: self._narrow(), "value")
        self._show()

    @property
    def is_all(self) -> bool:
        return len(self.chosen) == len(self._files)

    def _box(self, slot: int) -> Checkbox:
        box = Checkbox(indent=False, layout=Layout(width="auto", max_width="60em"))
        box.observe(lambda change: self._ticked(slot, change), "value")
        return box

    def _ticked(self, slot: int, change: dict[str, Any]) -> None:
        if self._filling:
            return
        index = self._matching[self._begin + slot].index
        if change["new"]:
            self.chosen.add(index)
        else:
            self.chosen.discard(index)
        self._summarize()

    def _choose(self, wanted: bool) -> None:
        """All that match the filter, on every page."""
        listed = {file.index for file in self._matching}
        self.chosen = self.chosen | listed if wanted else self.chosen - listed
        self._show()

    def _narrow(self) -> None:
        part = self.filter.value.strip().casefold()
        self._matching = [file for file in self._files if part in file.path.casefold()]
        self._begin = 0
        self._show()

    def _turn(self, step: int) -> None:
        self._begin += step
        self._show()

    def _show(self) -> None:
        shown = self._matching[self._begin : self._begin + PAGE]
        self._filling = True
        for slot, box in enumerate(self.boxes):
            visible(box, slot < len(shown) and len(self._files) > 1)
            if slot < len(shown):
                file = shown[slot]
                label = text.label(f"{text.short_name(file.path)} ({text.size(file.length)})")
                box.description = label
                box.tooltip = label
                box.value = file.index in self.chosen
        self._filling = False
        self.back.disabled = self._begin == 0
        self.next.disabled = self._begin + PAGE >= len(self._matching)
        if len(self._files) > PAGE:
            last = self._begin + len(shown)
            first = min(self._begin + 1, last)
            self._page.show(f"{first:,} to {last:,} of {text.count(len(self._matching), 'file')}")
        self._summarize()

    def _summarize(self) -> None:
        size = sum(file.length for file in self._files if file.index in self.chosen)
        if len(self._files) > 1:
            self.summary.show(
                f"{len(self.chosen):,} of {text.count(len(self._files), 'file')} chosen, "
                f"{text.size(size)}"
            )
        else:
            self.summary.show(
                *(f"{text.short_name(each.path)}, {text.size(each.length)}" for each in self._files)
            )
        self._on_change()
