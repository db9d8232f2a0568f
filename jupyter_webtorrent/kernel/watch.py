"""Keeps what is shown in a notebook up to date: one thread asks, however many views there are."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable

from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus

log = logging.getLogger(__name__)

Viewer = Callable[[TransferStatus | None, str], None]
"""Shown a transfer as it is (None: it is no longer there), and what keeps the server from answering, if anything."""

_SETTLED = (TransferState.SEEDING, TransferState.PAUSED, TransferState.FAILED)
_BUSY_PAUSE = 0.5
_CALM_PAUSE = 2.0
_LOST_PAUSE = 5.0


class Watch:
    """Asks one server for its transfers about twice a second, for as long as anything is viewed.

    Viewers are called in its thread; one that raises is called no more.
    """

    def __init__(self, client: Access) -> None:
        self._client = client
        # Reentrant, for a widget that is garbage calls `discard` wherever it is collected: here, too.
        self._lock = threading.RLock()
        self._viewers: dict[Viewer, str] = {}
        self._wake = threading.Event()
        self._running = False

    def add(self, info_hash: str, viewer: Viewer) -> None:
        """Show `viewer` that transfer now and then, until `discard`."""
        with self._lock:
            self._viewers[viewer] = info_hash
            self._wake.set()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="webtorrent-watch", daemon=True).start()

    def discard(self, viewer: Viewer) -> None:
        with self._lock:
            self._viewers.pop(viewer, None)
            self._wake.set()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._wake.clear()
                viewers = dict(self._viewers)
                if not viewers:
                    self._running = False
                    return
            self._wake.wait(self._show(viewers))

    def _show(self, viewers: dict[Viewer, str]) -> float:
        """Returns how long to wait before the next look."""
        try:
            transfers = {status.info_hash: status for status in self._client.transfers()}
        except WebTorrentError as error:
            for viewer in viewers:
                self._tell(viewer, None, str(error))
            return _LOST_PAUSE
        busy = False
        for viewer, info_hash in viewers.items():
            status = transfers.get(info_hash)
            self._tell(viewer, status, "")
            busy |= status is not None and status.state not in _SETTLED
        return _BUSY_PAUSE if busy else _CALM_PAUSE

    def _tell(self, viewer: Viewer, status: TransferStatus | None, problem: str) -> None:
        try:
            viewer(status, problem)
        except Exception:
            # One that cannot show itself any more must not end all others.
            log.debug("a view of a transfer is dropped", exc_info=True)
            self.discard(viewer)


@functools.cache
def watch_of(client: Access) -> Watch:
    """The one Watch of a client."""
    return Watch(client)
