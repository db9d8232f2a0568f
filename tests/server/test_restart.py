"""What a server shared, the next one shares again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
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
