"""The handle that a notebook holds on one transfer of its server.

It asks the server whenever it is asked; showing itself is left to `widgets`, waiting with a display to
`progress`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.errors import TransferFailedError, TransferTimeoutError
from jupyter_webtorrent.kernel.torrent_url import TorrentUrl
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus

_FRESH = 0.2
"""Seconds for which the server's last answer is good enough."""


class Transfer:
    """One torrent that the Jupyter server shares or fetches, as it is whenever you look.

    Await it, or call `wait`, to have its files; both raise TransferFailedError if they cannot be had.
    """

    def __init__(self, client: Access, status: TransferStatus) -> None:
        self._client = client
        self._status = status
        self._asked = time.monotonic()

    @property
    def client(self) -> Access:
        """Who is asked."""
        return self._client

    @property
    def info_hash(self) -> str:
        return self._status.info_hash

    @property
    def known(self) -> TransferStatus:
        """What the server said last; asks nothing."""
        return self._status

    @property
    def status(self) -> TransferStatus:
        """Everything the server says about it, at most a moment old; raises a WebTorrentError if it was removed."""
        if time.monotonic() - self._asked > _FRESH:
            self.refresh()
        return self._status

    @property
    def name(self) -> str:
        """The file's or folder's name; empty while only an info hash is known."""
        return self.status.name

    @property
    def magnet(self) -> str:
        """The link to give to others."""
        return self.status.magnet

    def url(self, path: str = "") -> str:
        """What pandas and fsspec read a file by, with its path in the torrent; none if it is but one file."""
        return str(TorrentUrl.of(self.magnet, path))

    @property
    def state(self) -> TransferState:
        return self.status.state

    @property
    def progress(self) -> float:
        """From 0 to 1: how much of what is wanted is here and verified."""
        return text.fraction(self.status)

    @property
    def paths(self) -> list[Path]:
        """Where the finished file or folder is; empty until then."""
        return [Path(path) for path in self.status.paths]

    def refresh(self) -> TransferStatus:
        """Ask the server now."""
        self._status = self._client.transfer(self.info_hash)
        self._asked = time.monotonic()
        return self._status

    def wait(self, timeout: float | None = None) -> Transfer:
        """Block until every wanted byte is in place, at most `timeout` seconds; returns the transfer itself."""
        for pause in self.pauses(timeout):
            time.sleep(pause)
        return self

    def __await__(self) -> Generator[Any, None, Transfer]:
        return self._wait().__await__()

    async def _wait(self) -> Transfer:
        pauses = self.pauses(None)
        while True:
            pause = await asyncio.to_thread(next, pauses, None)
            if pause is None:
                return self
            await asyncio.sleep(pause)

    def pauses(self, timeout: float | None) -> Iterator[float]:
        """Look again and again, yielding how many seconds to sleep in between, until it is complete.

        Raises TransferFailedError and TransferTimeoutError.
        """
        begun = time.monotonic()
        while not (status := self.refresh()).is_complete:
            name = text.name_of(status)
            if status.state is TransferState.FAILED:
                raise TransferFailedError(f"{name}: {one_line(status.error)}")
            elapsed = time.monotonic() - begun
            if timeout is not None and elapsed >= timeout:
                raise TransferTimeoutError(
                    f"{name} is not complete after {text.duration(timeout)}; it goes on in the background. "
                    f"So far: {text.progress_line(status)}"
                )
            pause = min(0.05 + elapsed / 10, 0.5)
            yield pause if timeout is None else min(pause, timeout - elapsed)

    def completion(self) -> str:
        """One line about what came, from whom, how fast and where to: for after `wait`."""
        return text.completion_line(self._client.details(self.info_hash))

    def remove(self, *, delete_data: bool = False) -> None:
        """Forget the transfer; with `delete_data` what was fetched goes too, never a shared original."""
        self._client.remove(self.info_hash, delete_data=delete_data)

    def __repr__(self) -> str:
        status = self._status
        return f"<Transfer {text.name_of(status)}: {text.progress_line(status)}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        from jupyter_webtorrent.kernel.progress import has_widgets

        bundle: dict[str, Any] = {}
        if has_widgets():
            from jupyter_webtorrent.kernel.widgets import live_view

            bundle = live_view(self, **kwargs)
        return {**bundle, "text/plain": repr(self)}
