"""The handle that a notebook holds on one transfer of its server.

It asks the server whenever it is asked; showing itself is left to `widgets`, waiting with a display to
`progress`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.errors import (
    NoAnswerError,
    RequestRefusedError,
    TransferFailedError,
    TransferTimeoutError,
)
from jupyter_webtorrent.kernel.paths import absolute
from jupyter_webtorrent.kernel.torrent_url import TorrentUrl
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import (
    FilePriority,
    FileStatus,
    PeerStatus,
    TransferChange,
    TransferDetails,
    TransferState,
    TransferStatus,
)

_FRESH = 0.2
"""Seconds for which the server's last answer is good enough."""
_PATIENCE = 60.0
"""Seconds for which a wait goes on while the server does not answer."""

Ready = Callable[[TransferStatus], bool]


def is_complete(status: TransferStatus) -> bool:
    return status.is_complete


def knows_files(status: TransferStatus) -> bool:
    """Whether it is known what it consists of, as far as its state tells: `Transfer.contents` has it, or refuses."""
    return status.state not in (TransferState.METADATA, TransferState.FAILED)


def has_files(status: TransferStatus) -> bool:
    """Whether it is known what it consists of, and how much of it is here."""
    return knows_files(status) and status.state is not TransferState.CHECKING


class Transfer:
    """One torrent that the Jupyter server shares or fetches, as it is whenever you look.

    Await it, or call `wait`, to have its files; both raise TransferFailedError if they cannot be had.
    """

    def __init__(self, client: Access, status: TransferStatus) -> None:
        self._client = client
        self._status = status
        self._asked = time.monotonic()
        self._trouble = ""

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
    def trouble(self) -> str:
        """Why a wait has no news now, in one line; empty while the server answers."""
        return self._trouble

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

    @property
    def files(self) -> list[FileStatus]:
        """What it consists of; empty until that is known."""
        return self.details().files

    @property
    def peers(self) -> list[PeerStatus]:
        """Who is connected."""
        return [peer for peer in self.details().peers if peer.connected]

    def details(self) -> TransferDetails:
        """Files, peers, trackers, web seeds, and who could not be reached and why."""
        return self._client.details(self.info_hash)

    def contents(self) -> TransferDetails:
        """The details of one that `knows_files`; raises RequestRefusedError if it was paused before it did."""
        details = self.details()
        if not details.files:
            raise RequestRefusedError(
                f"{text.name_of(details.transfer)} is paused, and its files are not known yet: resume it first."
            )
        return details

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

    def pauses(self, timeout: float | None, ready: Ready = is_complete) -> Iterator[float]:
        """Look again and again, yielding how many seconds to sleep in between, until it is ready.

        A server that does not answer is asked for a minute more; `trouble` says so meanwhile. Raises
        TransferFailedError, TransferTimeoutError and, for a server that stays away, NoAnswerError.
        """
        begun = answered = time.monotonic()
        while not self._look(ready, time.monotonic() - answered < _PATIENCE):
            now = time.monotonic()
            if not self._trouble:
                answered = now
            elapsed = now - begun
            if timeout is not None and elapsed >= timeout:
                name, given = text.name_of(self._status), text.duration(timeout)
                so_far = self._trouble or text.progress_line(self._status)
                raise TransferTimeoutError(
                    f"{name} is not complete after {given}; it goes on in the background. So far: {so_far}"
                    if ready is is_complete
                    else f"Nobody has told the files of {name} in {given}. So far: {so_far}"
                )
            pause = min(0.05 + elapsed / 10, 0.5)
            yield pause if timeout is None else min(pause, timeout - elapsed)

    def _look(self, ready: Ready, patient: bool) -> bool:
        """Whether it is ready now; a patient one lets a server be away, and begin anew without its transfers yet."""
        try:
            status = self.refresh()
        except NoAnswerError:
            if not patient:
                raise
            self._trouble = f"{self._client.place} does not answer, trying again"
            return False
        except TransferFailedError:
            if not (patient and self._trouble):
                raise
            return False
        self._trouble = ""
        if ready(status):
            return True
        if status.state is TransferState.FAILED:
            raise TransferFailedError(f"{text.name_of(status)}: {one_line(status.error)}")
        return False

    def completion(self) -> str:
        """One line about what came, from whom, how fast and where to: for after `wait`."""
        return text.completion_line(self.details())

    def pause(self) -> None:
        """Exchange nothing with anybody until `resume`."""
        self._status = self._client.pause(self.info_hash)

    def resume(self) -> None:
        self._status = self._client.resume(self.info_hash)

    def select(self, globs: str | Sequence[str]) -> None:
        """Want the files that match, by their path or their name, and no others."""
        wanted = {file.index for file in self._matching(globs)}
        self._prioritize(
            {
                file.index: FilePriority.NORMAL if file.index in wanted else FilePriority.SKIP
                for file in self.files
                if file.wanted is not (file.index in wanted)
            }
        )

    def prioritize(self, globs: str | Sequence[str], priority: FilePriority | str) -> None:
        """Want the files that match at another priority: `skip`, `low`, `normal` or `high`."""
        try:
            level = FilePriority(priority)
        except ValueError:
            names = ", ".join(each.value for each in FilePriority)
            raise RequestRefusedError(f"A priority is one of {names}, not {priority!r}.") from None
        self._prioritize({file.index: level for file in self._matching(globs)})

    def save_torrent(self, path: str | os.PathLike[str]) -> Path:
        """Write the .torrent file, which replaces another one of that name and nothing else; returns where it is."""
        target = Path(absolute(path))
        if target.suffix.lower() != ".torrent":
            raise WebTorrentError(f"The name of a .torrent file ends in .torrent, not {path!s}")
        content = self._client.metainfo(self.info_hash)
        try:
            target.write_bytes(content)
        except (OSError, ValueError) as error:  # such as a NUL in it
            raise WebTorrentError(f"{target} cannot be written: {text.reason_of(error)}.") from None
        return target

    def remove(self, *, delete_data: bool = False) -> None:
        """Forget the transfer; with `delete_data` what was fetched goes too, never a shared original."""
        self._client.remove(self.info_hash, delete_data=delete_data)

    def _matching(self, globs: str | Sequence[str]) -> list[FileStatus]:
        patterns = [globs] if isinstance(globs, str) else globs
        found = [
            file
            for file in self.files
            for names in [(file.path, file.path.rpartition("/")[2])]
            if any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
        ]
        if not found:
            raise RequestRefusedError(
                f"No file of {text.name_of(self._status)} matches {' '.join(patterns)}."
            )
        return found

    def _prioritize(self, priorities: dict[int, FilePriority]) -> None:
        if priorities:
            self._client.change(self.info_hash, TransferChange(priorities=priorities))

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
