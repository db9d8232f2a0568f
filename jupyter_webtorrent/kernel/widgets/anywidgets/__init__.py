"""What core ipywidgets cannot do: copy, show a wait of unknown length, draw pieces and rates.

The script and the style of each are files beside this one and travel in the widget's state, so that nothing is
asked of any host. They show what Python says, as text nodes, and do no arithmetic on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import anywidget
from traitlets import Bool, Int, List, Unicode

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.widgets.history import RateHistory
from jupyter_webtorrent.schema.transfers import PieceMap


def _asset(name: str) -> str:
    return files(__name__).joinpath(name).read_text("utf-8")


class CopyButton(anywidget.AnyWidget):
    """Copies `value`; where the page may not, on plain http, it shows it selected instead."""

    _esm = _asset("copy.js")
    _css = _asset("copy.css")
    value = Unicode().tag(sync=True)
    what = Unicode().tag(sync=True)
    """What is copied, for the button's tooltip: `the link`."""


class Busy(anywidget.AnyWidget):
    """A bar that moves while nobody can say how far something is."""

    _esm = _asset("busy.js")
    _css = _asset("busy.css")
    label = Unicode().tag(sync=True)
    active = Bool(False).tag(sync=True)


class PieceBar(anywidget.AnyWidget):
    """Which parts of a torrent are here, from its beginning to its end."""

    _esm = _asset("pieces.js")
    _css = _asset("pieces.css")
    done = List(Int()).tag(sync=True)
    """Per cent of each of equal runs of pieces."""
    summary = Unicode().tag(sync=True)

    def show(self, pieces: PieceMap | None) -> None:
        if pieces is None:
            return
        self.done = pieces.done
        here = sum(pieces.done) / max(len(pieces.done), 1)
        self.summary = (
            f"Piece map: {int(here)}% of {text.count(pieces.count, 'piece')} "
            f"of {text.size(pieces.length)} are here"
        )

    def fill(self) -> None:
        self.done = [100]
        self.summary = "Piece map: all pieces are here"


class RatePlot(anywidget.AnyWidget):
    """Both rates over the last minutes."""

    _esm = _asset("plot.js")
    _css = _asset("plot.css")
    down = List(Int()).tag(sync=True)
    """Bytes a second, at equal steps, the newest last; so is `up`."""
    up = List(Int()).tag(sync=True)
    top = Int(1).tag(sync=True)
    """The rate at the plot's upper edge."""
    top_label = Unicode().tag(sync=True)
    span_label = Unicode().tag(sync=True)
    down_label = Unicode().tag(sync=True)
    up_label = Unicode().tag(sync=True)

    def show(self, history: RateHistory) -> None:
        with self.hold_sync():
            self.down, self.up = history.down, history.up
            self.top = history.top
            self.top_label = text.rate(history.top)
            self.span_label = f"{text.duration(history.span)} ago"
            self.down_label = f"Receiving {_latest(history.down)}"
            self.up_label = f"Sending {_latest(history.up)}"


def _latest(rates: Sequence[int]) -> str:
    return text.rate(rates[-1] if rates else 0)
