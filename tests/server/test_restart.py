"""What a server shared, the next one shares again."""

from __future__ import annotations

import asyncio
import importlib
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from jupyter_core.paths import jupyter_data_dir

from jupyter_webtorrent.engine.host import EngineHost
from jupyter_webtorrent.schema.transfers import ShareRequest, TransferState, TransferStatus
from jupyter_webtorrent.server.extension import WebTorrentApp


def engine_of(extension: WebTorrentApp) -> EngineHost | None:
    return extension._host


async def test_no_engine_is_started_where_there_is_nothing_to_go_on_with(
    extension: WebTorrentApp, jp_serverapp: Any
) -> None:
    await extension._start_jupyter_server_extension(jp_serverapp)
    assert engine_of(extension) is None
    assert not (Path(jupyter_data_dir()) / "webtorrent").exists()


@pytest.mark.parametrize("route", ["torrents", "session"])
async def test_jupyter_answers_while_the_first_request_has_the_engine_imported(
    route: str, jp_fetch: Any, extension: WebTorrentApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    real = importlib.import_module

    def import_slowly(name: str, package: str | None = None) -> ModuleType:
        if name == "jupyter_webtorrent.engine.host":
            begun.set()
            assert may_end.wait(20)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", import_slowly)
    first = asyncio.ensure_future(jp_fetch("webtorrent", "api", route))
    assert await asyncio.to_thread(begun.wait, 20)
    await jp_fetch("api", "status")
    assert engine_of(extension) is None
    may_end.set()
    await first
    assert engine_of(extension) is not None


async def test_what_was_shared_is_shared_again_after_a_restart(
    extension: WebTorrentApp, jp_serverapp: Any, jp_fetch: Any, dataset: Path
) -> None:
    config = extension.running_config()
    assert config.state_folder == Path(jupyter_data_dir()) / "webtorrent"
    earlier = EngineHost(config)
    shared = await asyncio.wrap_future(earlier.share(ShareRequest(paths=[str(dataset)])))
    await asyncio.to_thread(earlier.close)
    await extension._start_jupyter_server_extension(jp_serverapp)
    engine = engine_of(extension)
    assert engine is not None
    async with asyncio.timeout(20):
        while not await asyncio.wrap_future(engine.transfers()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    response = await jp_fetch("webtorrent", "api", "torrents")
    (again,) = msgspec.json.decode(response.body, type=list[TransferStatus])
    assert again.info_hash == shared.info_hash
    assert again.state in (TransferState.SEEDING, TransferState.CHECKING)
