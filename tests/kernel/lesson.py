"""An engine that knows one lesson of a few files: it answers at once, and remembers what it was asked."""

from __future__ import annotations

from msgspec.structs import replace

from jupyter_webtorrent.kernel.errors import RequestRefusedError, TransferFailedError
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FileStatus,
    PeerStatus,
    TransferChange,
    TransferDetails,
    TransferState,
    TransferStatus,
)
from tests.kernel.scripted import HASH, ScriptedClient, details, status

LINK = f"magnet:?xt=urn:btih:{HASH}&dn=week&tr=ws%3A%2F%2F127.0.0.1%3A9%2Fannounce"
FILES = (("week/lecture.mp4", 1000), ("week/intro.mp4", 100), ("week/<b>notes.pdf", 50))


class LessonClient(ScriptedClient):
    """Has no transfer until it is fetched or given one."""

    def __init__(
        self,
        files: tuple[tuple[str, int], ...] = FILES,
        *,
        state: TransferState | None = None,
        done: int = 0,
        streams: bool = True,
    ) -> None:
        super().__init__([])
        self.now = None if state is None else status(state, name="week")
        self.state_of_fetches = TransferState.DOWNLOADING
        self.requests: list[FetchRequest] = []
        self.changes: list[TransferChange] = []
        self.resumed = 0
        self.removed: list[bool] = []
        self._files = files
        self._done = done
        self._streams = streams

    def transfers(self) -> list[TransferStatus]:
        return [] if self.now is None else [self.now]

    def transfer(self, info_hash: str) -> TransferStatus:
        if self.now is None:
            raise TransferFailedError("The transfer is no longer there.")
        return self.now

    def fetch(self, request: FetchRequest) -> TransferStatus:
        self.requests.append(request)
        state = self.state_of_fetches
        if request.on_demand and state is TransferState.DOWNLOADING:
            state = TransferState.ON_DEMAND
        self.now = status(state, name="week", total=0)
        return self.now

    def details(self, info_hash: str) -> TransferDetails:
        found = details(self.transfer(info_hash), [5, 0])
        gone = PeerStatus("10.0.0.9:1", "x", "tcp", 0.0, 0.0, 5, 0, 1.0, connected=False)
        files = [
            FileStatus(index, path, length, min(self._done, length), wanted=index != 2)
            for index, (path, length) in enumerate(self._files)
        ]
        return replace(found, files=files, peers=[*found.peers, gone])

    def change(self, info_hash: str, change: TransferChange) -> TransferDetails:
        self.changes.append(change)
        return self.details(info_hash)

    def resume(self, info_hash: str) -> TransferStatus:
        self.resumed += 1
        return self.transfer(info_hash)

    def remove(
        self, info_hash: str, *, delete_data: bool = False, only_on_demand: bool = False
    ) -> None:
        if only_on_demand and self.now is not None and self.now.state is TransferState.DOWNLOADING:
            raise RequestRefusedError("it is no longer on demand: it stays")
        self.now = None
        self.removed.append(delete_data)

    def metainfo(self, info_hash: str) -> bytes:
        return b"d4:infode"

    def stream_url(self, info_hash: str, file: str) -> str | None:  # type: ignore[override]
        return f"/webtorrent/stream/{info_hash}/{file}" if self._streams else None

    def read(self, info_hash: str, file: str, offset: int, length: int) -> bytes:
        return b"x" * length
