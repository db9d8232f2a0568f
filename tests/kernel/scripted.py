"""A client whose server says what the test wants: for states that no real server can be held in."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from jupyter_webtorrent.kernel.client import Client
from jupyter_webtorrent.kernel.discovery import ServerAddress
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import (
    PeerStatus,
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
