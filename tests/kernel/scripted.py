"""A client whose server says what the test wants: for states that no real server can be held in."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

import msgspec

from jupyter_webtorrent.kernel.client import Client
from jupyter_webtorrent.kernel.discovery import ServerAddress
from jupyter_webtorrent.kernel.errors import RequestRefusedError, TransferFailedError
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.failures import ConnectionFailure, FailureCode
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FileStatus,
    PeerStatus,
    PieceMap,
    ShareRequest,
    TrackerStatus,
    TransferDetails,
    TransferState,
    TransferStatus,
)

HASH = "ab" * 20
Answer = list[TransferStatus] | WebTorrentError


def status(
    state: TransferState = TransferState.DOWNLOADING,
    *,
    name: str = "penguins.csv",
    done: int = 0,
    total: int = 1000,
    peers: int = 1,
    notice: str = "",
    error: str = "",
    paths: Iterable[str] = (),
    by_transport: dict[str, int] | None = None,
) -> TransferStatus:
    return TransferStatus(
        HASH,
        name,
        state,
        f"magnet:?xt=urn:btih:{HASH}",
        total=total,
        done=total if state is TransferState.SEEDING else done,
        down_rate=2100.0,
        peers=peers,
        seconds=0.42,
        notice=notice,
        error=error,
        folder="/home/me",
        paths=list(paths),
        by_transport=by_transport or {},
    )


def other(
    info_hash: str, name: str, state: TransferState = TransferState.SEEDING
) -> TransferStatus:
    """Another transfer beside `status()`'s."""
    return msgspec.structs.replace(status(state, name=name), info_hash=info_hash)


def details(now: TransferStatus, downloaded: Iterable[int] = ()) -> TransferDetails:
    peers = [
        PeerStatus(f"10.0.0.{n}:1", "x", "tcp", 0.0, 0.0, amount, 0, 1.0)
        for n, amount in enumerate(downloaded, 1)
    ]
    return TransferDetails(now, [], peers, [])


class ScriptedClient(Client):
    """Gives one answer after the other; the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(ServerAddress("http://localhost:1/webtorrent/api/", "t0ken"))
        self._lock = threading.Lock()
        self._answers = list(answers)
        self.asked = 0

    def transfers(self) -> list[TransferStatus]:
        with self._lock:
            self.asked += 1
            answer = self._answers[0]
            if len(self._answers) > 1:
                del self._answers[0]
        if isinstance(answer, WebTorrentError):
            raise answer
        return answer

    def transfer(self, info_hash: str) -> TransferStatus:
        (found,) = self.transfers()
        return found


class PanelServer(ScriptedClient):
    """One whose transfers come and go by what a panel asks of it; `asked_for` has the requests."""

    def __init__(self, *transfers: TransferStatus, files: Sequence[FileStatus] = ()) -> None:
        super().__init__([])
        self.asked_for: list[object] = []
        self.details_asked = 0
        self.files = list(files)
        self.looked_up = TransferState.ON_DEMAND
        """What a link is once it is looked at."""
        self.set(*transfers)

    def set(self, *transfers: TransferStatus) -> None:
        with self._lock:
            self._answers = [list(transfers)]

    @property
    def now(self) -> list[TransferStatus]:
        (answer,) = self._answers
        assert isinstance(answer, list)
        return answer

    def transfer(self, info_hash: str) -> TransferStatus:
        for each in self.transfers():
            if each.info_hash == info_hash:
                return each
        raise TransferFailedError(f"The transfer {info_hash} is no longer there.")

    def details(self, info_hash: str) -> TransferDetails:
        self.details_asked += 1
        return TransferDetails(
            self.transfer(info_hash),
            self.files,
            [PeerStatus("10.0.0.1:1", "<b>x", "webrtc", 1.0, 2.0, 3, 4, 0.5)],
            [TrackerStatus("wss://t.example", "working", "", 1, 2)],
            failures=[
                ConnectionFailure("10.0.0.2:1", "tcp", FailureCode.REFUSED, "It refuses.", 1.0)
            ],
            pieces=PieceMap(4, 250, [100, 50, 0, 0]),
        )

    def share(self, request: ShareRequest) -> TransferStatus:
        self.asked_for.append(request)
        shared = msgspec.structs.replace(status(TransferState.SEEDING), shared=True)
        self.set(*self.now, shared)
        return shared

    def fetch(self, request: FetchRequest) -> TransferStatus:
        self.asked_for.append(request)
        state = self.looked_up if request.on_demand else TransferState.DOWNLOADING
        known = [each for each in self.now if each.info_hash == HASH]
        if known and request.on_demand:
            return known[0]
        fetched = status(state)
        self.set(*(each for each in self.now if each.info_hash != HASH), fetched)
        return fetched

    def pause(self, info_hash: str) -> TransferStatus:
        return self._turn(info_hash, "pause", TransferState.PAUSED)

    def resume(self, info_hash: str) -> TransferStatus:
        return self._turn(info_hash, "resume", TransferState.DOWNLOADING)

    def remove(
        self, info_hash: str, *, delete_data: bool = False, only_on_demand: bool = False
    ) -> None:
        if only_on_demand and self.transfer(info_hash).state is TransferState.DOWNLOADING:
            raise RequestRefusedError("it is no longer on demand: it stays")
        self.asked_for.append(("remove", info_hash, delete_data))
        self.set(*(each for each in self.now if each.info_hash != info_hash))

    def metainfo(self, info_hash: str) -> bytes:
        return b"d4:infode"

    def _turn(self, info_hash: str, verb: str, state: TransferState) -> TransferStatus:
        self.asked_for.append((verb, info_hash))
        changed = [
            msgspec.structs.replace(each, state=state) if each.info_hash == info_hash else each
            for each in self.now
        ]
        self.set(*changed)
        return self.transfer(info_hash)
