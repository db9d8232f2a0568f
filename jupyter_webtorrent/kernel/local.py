"""An engine inside the kernel, for where no Jupyter server with the extension is beside it.

It is made at the first call, opens nothing before the first share or fetch, goes on with what earlier kernels
left, and ends with the kernel.
"""

from __future__ import annotations

import atexit
import concurrent.futures
import functools
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_core.paths import jupyter_config_path, jupyter_data_dir

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.errors import RequestRefusedError, TransferFailedError
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    SessionStatus,
    ShareRequest,
    TransferChange,
    TransferDetails,
    TransferStatus,
)

if TYPE_CHECKING:
    from jupyter_webtorrent.engine.host import EngineHost

NOTICE = "No Jupyter server with jupyter_webtorrent is beside this kernel: transfers run inside it, and end with it."

ResultT = TypeVar("ResultT")

_SLICE_SECONDS = 0.2
"""How long an interrupt may wait: on Windows it does not end a wait that has begun."""
_SLICE_BYTES = 1 << 20

_parents_engines: list[EngineHost] = []
"""Those of the process that this one was forked from: never used, and never collected either, for to collect
them would close what is the parent's."""


class LocalAccess:
    """Access to an engine of this process. Any thread may call it; a forked process gets an engine of its own."""

    def __init__(self) -> None:
        self.place = "this kernel"
        self._lock = threading.Lock()
        self._host: EngineHost | None = None
        self._said = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_the_parents)

    def session(self) -> SessionStatus:
        return self._ask(lambda host: host.status())

    def transfers(self) -> list[TransferStatus]:
        return self._ask(lambda host: host.transfers())

    def transfer(self, info_hash: str) -> TransferStatus:
        """One transfer as it is now; TransferFailedError if it has been removed."""
        for status in self.transfers():
            if status.info_hash == info_hash:
                return status
        raise TransferFailedError(f"The transfer {info_hash} is no longer there.")

    def details(self, info_hash: str) -> TransferDetails:
        return self._ask(lambda host: host.details(info_hash))

    def share(self, request: ShareRequest) -> TransferStatus:
        """Begin a share; returns when its magnet link is known, after hashing, however long that takes."""
        self._say_where()
        return self._ask(lambda host: host.share(request))

    def fetch(self, request: FetchRequest) -> TransferStatus:
        """Begin a fetch; returns when it has begun."""
        self._say_where()
        if request.folder:
            try:
                os.makedirs(request.folder, exist_ok=True)
            except (OSError, ValueError) as error:  # such as a NUL in it
                raise RequestRefusedError(
                    one_line(f"There can be no folder {request.folder}: {text.reason_of(error)}.")
                ) from None
        return self._ask(lambda host: host.fetch(request))

    def change(self, info_hash: str, change: TransferChange) -> TransferDetails:
        return self._ask(lambda host: host.change(info_hash, change))

    def pause(self, info_hash: str) -> TransferStatus:
        return self._ask(lambda host: host.pause(info_hash))

    def resume(self, info_hash: str) -> TransferStatus:
        return self._ask(lambda host: host.resume(info_hash))

    def remove(
        self, info_hash: str, *, delete_data: bool = False, only_on_demand: bool = False
    ) -> None:
        self._ask(
            lambda host: host.remove(
                info_hash, delete_data=delete_data, only_on_demand=only_on_demand
            )
        )

    def metainfo(self, info_hash: str) -> bytes:
        """The .torrent file."""
        return self._ask(lambda host: host.metainfo(info_hash))

    def read(self, info_hash: str, file: str, offset: int, length: int) -> bytes:
        """Bytes of a file by its path in the torrent, as soon as they are here; fewer only at its end."""
        parts = []
        for start in range(offset, offset + length, _SLICE_BYTES):
            count = min(_SLICE_BYTES, offset + length - start)
            parts.append(self._read(info_hash, file, start, count))
            if len(parts[-1]) < count:
                break
        return b"".join(parts)

    def stream_url(self, info_hash: str, file: str) -> None:
        """A browser reaches no kernel."""

    def close(self) -> None:
        """Stop the engine, and keep what is to go on; nothing can be asked any more."""
        with self._lock:
            if self._host is not None:
                self._host.close()

    def _read(self, info_hash: str, file: str, offset: int, length: int) -> bytes:
        return self._ask(lambda host: host.read(info_hash, file, offset, length), give_up=True)

    def _ask(
        self, call: Callable[[EngineHost], Future[ResultT]], *, give_up: bool = False
    ) -> ResultT:
        """The engine's answer; who is interrupted meanwhile leaves it to go on, unless he is to `give_up`."""
        future = call(self._engine())
        try:
            while not concurrent.futures.wait([future], _SLICE_SECONDS).done:
                pass
            return future.result()
        except WebTorrentError as error:
            raise RequestRefusedError(one_line(str(error))) from None
        except BaseException:
            if give_up:
                future.cancel()
            raise

    def _engine(self) -> EngineHost:
        with self._lock:
            if self._host is None:
                self._host = _new_host()
                _call_at_exit(self.close)
            return self._host

    def _say_where(self) -> None:
        with self._lock:
            said, self._said = self._said, True
        if not said:
            # A script's output may be for another program.
            print(NOTICE, file=None if "ipykernel" in sys.modules else sys.stderr)

    def _forget_the_parents(self) -> None:
        self._lock = threading.Lock()
        if self._host is not None:
            _parents_engines.append(self._host)
            self._host = None


@functools.cache
def local_access() -> LocalAccess:
    """The one of this process."""
    return LocalAccess()


def _new_host() -> EngineHost:
    # These take long to import.
    from jupyter_webtorrent.engine.choices import load_choices, with_choices
    from jupyter_webtorrent.engine.host import EngineHost
    from jupyter_webtorrent.engine.settings import load_settings

    settings = load_settings(reversed(jupyter_config_path()))
    config = settings.engine_config(Path(jupyter_data_dir(), "webtorrent"))
    assert config.state_folder is not None
    return EngineHost(with_choices(config, load_choices(config.state_folder)))


def _call_at_exit(call: Callable[[], None]) -> None:
    """Like `atexit.register`, but before Python ends the thread pools with which an engine keeps its state."""
    register: Callable[[Callable[[], None]], object] = getattr(
        threading, "_register_atexit", atexit.register
    )
    register(call)
