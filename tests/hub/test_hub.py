"""Two people of one JupyterHub: what one shares the other fetches, by what each types in a notebook."""

from __future__ import annotations

import random
import re
from pathlib import Path

import aiohttp
import msgspec

from jupyter_webtorrent.schema.transfers import TransferEvent
from notebooks.demo.kernels import running_kernel, text_of
from notebooks.demo.servers import JupyterServer
from tests.hub.hub import running_hub

CELL_SECONDS = 60.0
OFFLINE = {
    "trackers": [],
    "stun_servers": [],
    "dht": False,
    "lan_discovery": False,
    "listen_host": "127.0.0.1",
}
"""The link's own address is enough to find each other."""


async def test_two_users_of_a_hub_share_a_file(tmp_path: Path) -> None:
    async with (
        running_hub(tmp_path, OFFLINE) as hub,
        hub.person("ada") as ada,
        hub.person("bob") as bob,
    ):
        data = random.Random("hub").randbytes(5_000_000)
        (ada.root / "data.bin").write_bytes(data)
        shared = await _run(ada, "%wt share data.bin")
        links = re.findall(r"magnet:\?\S+", shared)
        assert len(links) == 1, shared
        async with hub.events(bob) as events:
            assert (await _next(events)).transfers == []
            fetched = await _run(bob, f'%wt fetch "{links[0]}"')
            assert "data.bin: 5 MB from 1 peer over tcp" in fetched
            while not any(status.is_complete for status in (await _next(events)).transfers):
                pass
        assert (bob.root / "data.bin").read_bytes() == data
        assert [transfer.name for transfer in await bob.transfers()] == ["data.bin"]

        for stranger, owner in ((bob, ada), (ada, bob)):
            assert await hub.status_of(f"{owner.url}webtorrent/api/torrents", stranger) == 403
        secrets = [hub.token_of(ada), hub.token_of(bob)]
        secrets += [await _run(person, _PRINT_TOKEN) for person in (ada, bob)]
        texts = hub.log() + shared + fetched
        assert not [secret for secret in secrets if secret.strip() in texts]


_PRINT_TOKEN = "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])"


async def _next(events: aiohttp.ClientWebSocketResponse) -> TransferEvent:
    return msgspec.json.decode(await events.receive_str(timeout=CELL_SECONDS), type=TransferEvent)


async def _run(person: JupyterServer, source: str) -> str:
    """What a notebook's kernel prints for `source`."""
    async with running_kernel(person, "lesson.ipynb") as kernel:
        loaded = await kernel.execute("%load_ext jupyter_webtorrent", seconds=CELL_SECONDS)
        assert loaded.ok, text_of(loaded.outputs)
        ran = await kernel.execute(source, seconds=CELL_SECONDS)
        assert ran.ok, text_of(ran.outputs)
        return text_of(ran.outputs)
