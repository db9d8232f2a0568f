"""A link's list of files, got before anything else of it is, and forgotten again unless it is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.errors import RequestRefusedError
from jupyter_webtorrent.kernel.paths import StrPath, absolute
from jupyter_webtorrent.kernel.sharing import absolute_link
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.schema.transfers import FetchRequest, FileStatus


class Preview:
    """Begins to look at a link; raises a WebTorrentError, as all of its methods may."""

    def __init__(
        self, client: Access, link: StrPath, trackers: Sequence[str] | None = None
    ) -> None:
        """`trackers` are as those of a FetchRequest."""
        self.client = client
        self._link = absolute_link(link)
        known = {status.info_hash for status in client.transfers()}
        self._trackers = None if trackers is None else list(trackers)
        self.status = client.fetch(
            FetchRequest(link=self._link, folder="", trackers=self._trackers, on_demand=True)
        )
        self.was_there = self.status.info_hash in known
        self._is_ours = not self.was_there

    @property
    def info_hash(self) -> str:
        return self.status.info_hash

    def files(self) -> list[FileStatus]:
        """For once it `knows_files`, as `Transfer.contents`."""
        return Transfer(self.client, self.status).contents().files

    def fetch(self, folder: StrPath, files: Sequence[int], *, sequential: bool = False) -> Transfer:
        """Fetch files by their index; none: all of them."""
        request = FetchRequest(
            link=self._link,
            folder=absolute(folder),
            files=list(files),
            trackers=self._trackers,
            sequential=sequential,
        )
        transfer = Transfer(self.client, self.client.fetch(request))
        self._is_ours = False
        return transfer

    def cancel(self) -> None:
        """Leave nothing behind, unless it was there before, or somebody fetches or reads it by now."""
        if not self._is_ours:
            return
        self._is_ours = False
        # Otherwise it is gone already, or somebody else's by now.
        with suppress(RequestRefusedError):
            self.client.remove(self.info_hash, delete_data=True, only_on_demand=True)
