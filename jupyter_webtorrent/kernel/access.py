"""What a notebook asks of the engine, wherever that runs: beside the kernel in a Jupyter server, or in the kernel.

`client` answers over HTTP, `local` by an engine of the kernel's own; `connect` says which.
"""

from __future__ import annotations

from typing import Protocol

from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    SessionStatus,
    ShareRequest,
    TransferChange,
    TransferDetails,
    TransferStatus,
)


class Access(Protocol):
    """Synchronous, from any thread. Every call may raise a WebTorrentError of one line."""

    place: str
    """Where the engine runs, for a sentence: `this Jupyter server`, `this kernel`."""

    def __hash__(self) -> int: ...

    def session(self) -> SessionStatus: ...

    def transfers(self) -> list[TransferStatus]: ...

    def transfer(self, info_hash: str) -> TransferStatus:
        """One transfer as it is now; TransferFailedError if it has been removed."""

    def details(self, info_hash: str) -> TransferDetails: ...

    def share(self, request: ShareRequest) -> TransferStatus:
        """Begin a share; returns when its magnet link is known, after hashing, however long that takes."""

    def fetch(self, request: FetchRequest) -> TransferStatus:
        """Begin a fetch; returns when it has begun."""

    def change(self, info_hash: str, change: TransferChange) -> TransferDetails: ...

    def pause(self, info_hash: str) -> TransferStatus: ...

    def resume(self, info_hash: str) -> TransferStatus: ...

    def remove(
        self, info_hash: str, *, delete_data: bool = False, only_on_demand: bool = False
    ) -> None:
        """Forget a transfer; RequestRefusedError if it is gone, or `only_on_demand` and a download or read by now."""

    def metainfo(self, info_hash: str) -> bytes:
        """The .torrent file."""

    def read(self, info_hash: str, file: str, offset: int, length: int) -> bytes:
        """Bytes of a file by its path in the torrent, as soon as they are here; fewer only at its end."""

    def stream_url(self, info_hash: str, file: str) -> str | None:
        """Where a browser reads a file as it arrives, without host and token; None: nowhere."""
