"""Chooses files and folders of the kernel's machine: a folder at a time, several of each, across folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ipywidgets import Button, Layout, SelectMultiple  # type: ignore[import-untyped]

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.widgets.parts import (
    ERROR_COLOR,
    WIDE,
    Panel,
    Row,
    Words,
    button,
    quiet_words,
)

MOST_ENTRIES = 1000
_MOST_CRUMBS = 5
_MOST_NAMED = 10


class FolderBrowser(Panel):
    """Breadcrumbs, what is in the folder (hidden files left out), and what is chosen so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chosen: dict[Path, None] = {}
        self._entries: list[Path] = []
        self._filling = False
        self._crumbs = Row([])
        self.entries = SelectMultiple(
            rows=8,
            tooltip="Files and folders: Ctrl or Shift selects several",
            layout=Layout(**WIDE),
        )
        self.open_button = button("Open folder", "Show what is in the selected folder", self._open)
        self.clear = button("Choose nothing", "Forget what is chosen", self._clear)
        self._note = quiet_words()
        self._trouble = Words(color=ERROR_COLOR)
        self.entries.observe(self._selected, "index")
        super().__init__(
            [
                self._crumbs,
                self.entries,
                Row([self.open_button, self.clear]),
                self._trouble,
                self._note,
            ]
        )
        self.go(folder)

    def go(self, folder: Path) -> None:
        """Show another folder."""
        try:
            found = _listing(folder)
            self._trouble.show()
        except OSError as error:
            self._trouble.show(
                f"{text.short_name(folder.name)} cannot be opened: {error.strerror}."
            )
            return
        self.folder = folder
        self._entries = [Path(entry.path) for entry, _ in found[:MOST_ENTRIES]]
        self._filling = True
        self.entries.options = [
            (label, index) for index, (_, label) in enumerate(found[:MOST_ENTRIES])
        ]
        self.entries.index = tuple(
            index for index, path in enumerate(self._entries) if path in self.chosen
        )
        self._filling = False
        self._more = len(found) - len(self._entries)
        self._show_crumbs()
        self._show()

    def _show_crumbs(self) -> None:
        old = self._crumbs.children
        trail = [*reversed(self.folder.parents), self.folder]
        self._crumbs.children = [self._crumb(folder) for folder in trail[-_MOST_CRUMBS:]]
        for each in old:
            each.close()

    def _crumb(self, folder: Path) -> Button:
        name = text.short_name(folder.name) or folder.anchor
        return button(name, f"Go to {text.short_name(str(folder))}", lambda: self.go(folder))

    def _selected(self, change: dict[str, Any]) -> None:
        if self._filling:
            return
        here = {self._entries[index] for index in change["new"]}
        for path in self._entries:
            if path not in here:
                self.chosen.pop(path, None)
            else:
                self.chosen[path] = None
        self._show()

    def _open(self) -> None:
        (index,) = self.entries.index
        folder = self._entries[index]
        # It was selected to be opened, not to be shared.
        self.chosen.pop(folder, None)
        self.go(folder)

    def _clear(self) -> None:
        self.chosen.clear()
        self.entries.index = ()
        self._show()

    def _show(self) -> None:
        selected = self.entries.index
        self.open_button.disabled = not (len(selected) == 1 and self._entries[selected[0]].is_dir())
        self.clear.disabled = not self.chosen
        names = [text.place(str(path)) for path in list(self.chosen)[:_MOST_NAMED]]
        lines = [f"Chosen: {', '.join(names)}" if names else "Nothing is chosen yet."]
        if len(self.chosen) > _MOST_NAMED:
            lines[0] += f" and {len(self.chosen) - _MOST_NAMED} more"
        if self._more:
            lines.append(
                f"{text.count(self._more, 'more file')} not listed: name what you mean below."
            )
        self._note.show(*lines)


def _listing(folder: Path) -> list[tuple[os.DirEntry[str], str]]:
    """The entries with what to show for each; folders first, hidden ones left out. Raises OSError."""
    with os.scandir(folder) as found:
        entries = [entry for entry in found if not entry.name.startswith(".")]
    entries.sort(key=lambda entry: (not _is_folder(entry), entry.name.casefold()))
    return [(entry, _label(entry)) for entry in entries]


def _label(entry: os.DirEntry[str]) -> str:
    name = text.short_name(entry.name)
    if _is_folder(entry):
        return f"{name}/"
    try:
        return f"{name} ({text.size(entry.stat().st_size)})"
    except OSError:  # it went, or its link leads nowhere
        return name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
