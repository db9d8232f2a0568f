"""Two people of one JupyterHub: what one shares the other fetches, by what each types in a notebook."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import expect

from jupyter_webtorrent.schema.transfers import TransferEvent
from notebooks.demo.kernels import running_kernel, text_of
from notebooks.demo.servers import JupyterServer
from tests.hub.hub import Hub, running_hub
from tests.ui.browser import Watch, chromium
from tests.ui.lab import START_MILLISECONDS, Lab
from tests.ui.servers import LAB_EXTENSION, LabServer, choose_no_news

pytestmark = pytest.mark.asyncio(loop_scope="module")

CELL_SECONDS = 60.0
SETTINGS: dict[str, Any] = {
    "ServerApp": {
        "allow_root": True,
        "default_url": "/lab",
        "jpserver_extensions": {
            "jupyter_lsp": True,  # JupyterLab's pages ask for it
            "jupyter_webtorrent": True,
            "jupyterlab": True,
        },
    },
    "LabApp": {
        "expose_app_in_browser": True,
        "news_url": None,
        "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    },
    "WebTorrentApp": {  # the link's own address is enough to find each other
        "trackers": [],
        "stun_servers": [],
        "dht": False,
        "lan_discovery": False,
        "listen_host": "127.0.0.1",
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    extensions = folder / "labextensions"
    extensions.mkdir()
    (extensions / "jupyter-webtorrent").symlink_to(LAB_EXTENSION, target_is_directory=True)
    lab = {**SETTINGS["LabApp"], "extra_labextensions_path": [str(extensions)]}
    async with running_hub(folder, {**SETTINGS, "LabApp": lab}) as hub:
        yield hub


async def test_two_users_share_a_file_and_see_nothing_else_of_each_other(hub: Hub) -> None:
    async with hub.person("ada") as ada, hub.person("bob") as bob:
        data = _write(ada)
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


async def test_a_person_who_signs_in_sees_in_jupyterlab_what_a_notebook_shares(hub: Hub) -> None:
    async with hub.person("eve") as eve, chromium() as browser:
        choose_no_news(eve.root / ".jupyter" / "lab" / "user-settings")
        _write(eve)
        page = await browser.new_page()
        watch = Watch()
        watch.over(page)
        await page.goto(f"{hub.url}hub/login?next=/user/eve/lab")
        await page.get_by_label("Username").fill("eve")
        await page.get_by_label("Password").fill(hub.password)
        await page.get_by_role("button", name="Sign in").click()
        lab = Lab("hub", LabServer(eve.root, eve.url, ""), page)
        await page.get_by_role("tab", name="Transfers").click(timeout=START_MILLISECONDS)
        await _run(eve, "%wt share data.bin")
        await expect(lab.row("data.bin")).to_contain_text("Seeding")
        info_hash = await lab.row("data.bin").get_attribute("data-info-hash")
        await lab.ask("POST", f"torrents/{info_hash}/pause")
        await expect(lab.row("data.bin")).to_contain_text("Paused")
        assert watch.take() == []


_PRINT_TOKEN = "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])"


def _write(person: JupyterServer) -> bytes:
    data = random.Random(person.name).randbytes(5_000_000)
    (person.root / "data.bin").write_bytes(data)
    return data


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
