"""The DHT of one session: opened beside the listening port, and its routing table kept between runs."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from random import Random

from jupyter_webtorrent.engine.config import DEFAULT_DHT_NODES, EngineConfig
from jupyter_webtorrent.engine.offload import Offload
from jupyter_webtorrent.net.datagrams import DatagramNetwork
from jupyter_webtorrent.net.dht import Dht
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.protocol.dht_state import MAX_STATE_BYTES
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.files import read_small_file

log = logging.getLogger(__name__)

STATE_FILE = "dht.state"
SAVE_SECONDS = 600.0


class SessionDht:
    """Open it once the session listens. A state file that is missing or corrupt is an empty routing table."""

    def __init__(
        self, config: EngineConfig, network: DatagramNetwork, offload: Offload, random: Random
    ) -> None:
        """Raises WebTorrentError for a bootstrap node that is no HOST:PORT."""
        self.dht = Dht(map(PeerAddress.from_text, config.dht_nodes), random)
        self.is_open = False
        self.nodes_are_named = config.dht_nodes != DEFAULT_DHT_NODES
        """Whether a person chose the bootstrap nodes: then they serve local torrents too."""
        self._trouble = ""
        self._config = config
        self._network = network
        self._offload = offload
        folder = config.state_folder
        self._file = folder / STATE_FILE if folder is not None else None
        self._saving: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """Why it finds nobody, in one line; empty while it works."""
        return self._trouble or self.dht.trouble

    async def open(self, port: int) -> None:
        """Open UDP ports of that number, or others; a machine that has none goes without."""
        state = b"" if self._file is None else await self._offload(_read, self._file)
        try:
            await self.dht.open(self._network, self._config.listen_host, port, state)
        except NetError as error:
            self._trouble = str(error)
            log.info("no DHT: %s", error)
            return
        self.is_open = True
        self._saving = asyncio.create_task(self._save_often())

    async def aclose(self) -> None:
        """Call it before the offload is closed."""
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)
        if self.is_open:
            await self._save()
        await self.dht.aclose()

    async def _save_often(self) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await self._save()

    async def _save(self) -> None:
        if self._file is not None:
            await self._offload(_write, self._file, self.dht.export())


def _read(path: Path) -> bytes:
    try:
        return read_small_file(path, MAX_STATE_BYTES)
    except StorageError:
        return b""


def _write(path: Path, state: bytes) -> None:
    """Replace the file at once and whole; what cannot be kept is found again."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(state)
        fresh.replace(path)
    except OSError as error:
        log.warning("cannot keep the DHT's nodes: %s", error.strerror or error)
        with suppress(OSError):
            fresh.unlink()
