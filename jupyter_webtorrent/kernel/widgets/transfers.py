"""All transfers of the server, live: the rates over time, and a row each that unfolds."""

from __future__ import annotations

import time
from contextlib import suppress

from ipywidgets import Box, Layout  # type: ignore[import-untyped]

from jupyter_webtorrent.kernel import client as clients
from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.watch import Watch, watch_of
from jupyter_webtorrent.kernel.widgets.anywidgets import RatePlot
from jupyter_webtorrent.kernel.widgets.details import DetailsView
from jupyter_webtorrent.kernel.widgets.history import RateHistory
from jupyter_webtorrent.kernel.widgets.parts import Fold, Panel, Words, button, visible
from jupyter_webtorrent.kernel.widgets.view import TransferCard
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import TransferDetails, TransferStatus

MOST_ROWS = 50
"""Each is some thirty widgets: more of them would make a notebook slow."""


class TransferRow(TransferCard):
    """One of many: what is special about it is folded away, and asked for only while it is unfolded."""

    def __init__(self, client: Access, status: TransferStatus) -> None:
        self._watch = watch_of(client)
        self._view: DetailsView | None = None
        self.fold = Fold("Details", [], self._turned)
        super().__init__(client, status)
        self.children = (*self.children, self.fold)
        self.show(status, "")

    def close(self) -> None:
        self._watch.discard(self._show_details)
        super().close()

    def _turned(self, is_open: bool) -> None:
        if not is_open:
            self._watch.discard(self._show_details)
            return
        if self._view is None:
            self._view = DetailsView()
            self.fold.content.children = (self._view,)
        self._watch.add_details(self.status.info_hash, self._show_details)

    def _show_details(self, details: TransferDetails) -> None:
        if self._view is not None:
            self._view.show(details)


class TransfersPanel(Panel):
    """Everything this server shares and fetches; the newest first."""

    plain = "All transfers: run this cell again to see them live, or `%wt ls` for a list"

    def __init__(self) -> None:
        self.summary = Words()
        self.plot = RatePlot()
        self.retry = button("Try again", "Look for the Jupyter server again", self._begin)
        self.rows: dict[str, TransferRow] = {}
        self.more = Words()
        self._gone: list[TransferRow] = []
        self._history = RateHistory()
        self._list = Box([], layout=Layout(flex_flow="column", overflow="visible"))
        self._watch: Watch | None = None
        self._client: Access | None = None
        super().__init__([self.summary, self.retry, self.plot, self._list, self.more])
        self._begin()

    def close(self) -> None:
        if self._watch is not None:
            self._watch.discard(self._show)
        for row in (*self.rows.values(), *self._gone):
            row.close()
        super().close()

    def _begin(self) -> None:
        try:
            self._client = clients.connect()
        except WebTorrentError as error:
            self.summary.show(str(error))
            visible(self.plot, False)
            return
        visible(self.retry, False)
        visible(self.plot, True)
        self._watch = watch_of(self._client)
        # The first look is for the cell that shows the panel: it should not begin empty.
        with suppress(WebTorrentError):
            self._show(self._client.transfers(), "")
        self._watch.add_list(self._show)

    def _show(self, transfers: list[TransferStatus], problem: str) -> None:
        if problem:
            self.summary.show(problem)
            return
        down = sum(status.down_rate for status in transfers)
        up = sum(status.up_rate for status in transfers)
        self.summary.show(_summary(transfers))
        if self._history.add(time.monotonic(), down, up):
            self.plot.show(self._history)
        self._show_rows(list(reversed(transfers)))

    def _show_rows(self, transfers: list[TransferStatus]) -> None:
        assert self._client is not None
        shown = {status.info_hash: status for status in transfers[:MOST_ROWS]}
        # Closed a look later: a page that is still drawing a row must find it.
        for row in self._gone:
            row.close()
        self._gone = [self.rows.pop(each) for each in list(self.rows) if each not in shown]
        for info_hash, status in shown.items():
            if info_hash in self.rows:
                self.rows[info_hash].show(status, "")
            else:
                self.rows[info_hash] = TransferRow(self._client, status)
        rows = tuple(self.rows[info_hash] for info_hash in shown)
        if rows != self._list.children:
            self._list.children = rows
        more = len(transfers) - len(shown)
        self.more.show(*([f"and {text.count(more, 'older one')}: see `%wt ls`"] if more else []))


def _summary(transfers: list[TransferStatus]) -> str:
    if not transfers:
        return "Nothing is shared or fetched yet."
    ways: dict[str, int] = {}
    for status in transfers:
        for transport, peers in status.peers_by_transport.items():
            ways[transport] = ways.get(transport, 0) + peers
    return f"{text.count(len(transfers), 'transfer')}, " + (
        ", ".join(f"{text.count(n, 'peer')} over {name}" for name, n in ways.items() if n)
        or "no peers"
    )
