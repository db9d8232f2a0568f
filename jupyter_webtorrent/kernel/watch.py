"""Keeps what is shown in a notebook up to date: one thread asks, however many views there are."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import TransferDetails, TransferState, TransferStatus

log = logging.getLogger(__name__)

Viewer = Callable[[TransferStatus | None, str], None]
"""Shown a transfer as it is (None: it is no longer there), and what keeps the server from answering, if anything."""
ListViewer = Callable[[list[TransferStatus], str], None]
"""Shown all transfers; with the second argument, as above, the list says nothing."""
DetailsViewer = Callable[[TransferDetails], None]
"""Shown a transfer with its details whenever they can be had."""

_SETTLED = (
    TransferState.SEEDING,
    TransferState.PAUSED,
    TransferState.FAILED,
    TransferState.ON_DEMAND,
)
_BUSY_PAUSE = 0.5
_CALM_PAUSE = 2.0
_LOST_PAUSE = 5.0


@dataclass(slots=True)
class _Look:
    """What one look at the server showed; details are asked for when the first viewer wants them."""

    client: Access
    transfers: dict[str, TransferStatus]
    problem: str = ""
    _details: dict[str, TransferDetails | None] = field(default_factory=dict)

    def details(self, info_hash: str) -> TransferDetails | None:
        if info_hash not in self.transfers:
            return None
        if info_hash not in self._details:
            try:
                self._details[info_hash] = self.client.details(info_hash)
            except WebTorrentError:  # it went this moment, or the next look says why
                self._details[info_hash] = None
        return self._details[info_hash]


class Watch:
    """Asks one server for its transfers about twice a second, for as long as anything is viewed.

    Viewers are called in its thread; one that raises is called no more.
    """

    def __init__(self, client: Access) -> None:
        self._client = client
        # Reentrant, for a widget that is garbage calls `discard` wherever it is collected: here, too.
        self._lock = threading.RLock()
        self._viewers: dict[object, Callable[[_Look], None]] = {}
        self._wake = threading.Event()
        self._running = False

    def add(self, info_hash: str, viewer: Viewer) -> None:
        """Show `viewer` that transfer now and then, until `discard`."""
        self._add(viewer, lambda look: viewer(look.transfers.get(info_hash), look.problem))

    def add_list(self, viewer: ListViewer) -> None:
        """The same with all transfers."""
        self._add(viewer, lambda look: viewer(list(look.transfers.values()), look.problem))

    def add_details(self, info_hash: str, viewer: DetailsViewer) -> None:
        """The same with a transfer's details, which costs a request of their own each time."""

        def show(look: _Look) -> None:
            details = look.details(info_hash)
            if details is not None:
                viewer(details)

        self._add(viewer, show)

    def discard(self, viewer: Viewer | ListViewer | DetailsViewer) -> None:
        with self._lock:
            self._viewers.pop(viewer, None)
            self._wake.set()

    def look(self) -> None:
        """Do not wait for the next look: something was changed."""
        self._wake.set()

    def _add(self, viewer: object, show: Callable[[_Look], None]) -> None:
        with self._lock:
            self._viewers[viewer] = show
            self._wake.set()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="webtorrent-watch", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._wake.clear()
                viewers = dict(self._viewers)
                if not viewers:
                    self._running = False
                    return
            self._wake.wait(self._show(viewers))

    def _show(self, viewers: dict[object, Callable[[_Look], None]]) -> float:
        """Returns how long to wait before the next look."""
        try:
            transfers = {status.info_hash: status for status in self._client.transfers()}
            look = _Look(self._client, transfers)
        except WebTorrentError as error:
            look = _Look(self._client, {}, str(error))
        for viewer, show in viewers.items():
            self._tell(viewer, show, look)
        if look.problem:
            return _LOST_PAUSE
        settled = all(status.state in _SETTLED for status in look.transfers.values())
        return _CALM_PAUSE if settled else _BUSY_PAUSE

    def _tell(self, viewer: object, show: Callable[[_Look], None], look: _Look) -> None:
        try:
            show(look)
        except Exception:
            # One that cannot show itself any more must not end all others.
            log.debug("a view of a transfer is dropped", exc_info=True)
            with self._lock:
                self._viewers.pop(viewer, None)


@functools.cache
def watch_of(client: Access) -> Watch:
    """The one Watch of a client."""
    return Watch(client)
