"""The Settings Editor's choices reach the engine that runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.ui.browser import Watch
from tests.ui.lab import Lab

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_choice_in_the_settings_editor_reaches_the_server(alone: Lab) -> None:
    await alone.page.evaluate(
        "void jupyterapp.commands.execute('settingeditor:open', { query: 'WebTorrent' })"
    )
    limit = alone.page.locator("input[id$='_downLimit']")
    await alone.photograph("settings-opened")
    await limit.fill("250", timeout=15_000)
    await alone.ask_until("settings", lambda settings: settings["chosen"]["down_limit"] == 250_000)
    assert (await alone.ask("GET", "settings"))["effective"]["down_limit"] == 250_000
    await alone.photograph_in_both_themes("settings")
    await limit.fill("")
    await alone.ask_until("settings", lambda settings: settings["chosen"]["down_limit"] is None)


async def test_every_choice_is_held_but_the_one_that_is_refused(watch: Watch, alone: Lab) -> None:
    chosen: dict[str, Any] = {
        "trackers": ["nonsense"],
        "downloadFolder": "chosen",
        "upLimit": 300,
        "limitLan": "on",
        "listenPort": 0,
        "lanDiscovery": "off",
        "seedRatio": 2,
        "seedHours": 3,
    }
    held = {
        "trackers": None,
        "download_folder": "chosen",
        "up_limit": 300_000,
        "limit_lan": True,
        "listen_port": 0,
        "lan_discovery": False,
        "seed_ratio": 2,
        "seed_seconds": 10_800,
    }
    await _choose(alone, chosen)
    await alone.ask_until("settings", lambda settings: held.items() <= settings["chosen"].items())
    refusal = alone.notification("Tracker 1 of 1")
    await expect(refusal).to_have_count(1)
    await alone.photograph("settings-refused")

    await _choose(alone, {**chosen, "trackers": ["wss://"]})
    await expect(refusal).to_have_count(1)
    url = "wss://tracker.example/announce"
    await _choose(alone, {**chosen, "trackers": [url]})
    await alone.ask_until("settings", lambda settings: settings["chosen"]["trackers"] == [url])
    await expect(refusal).to_have_count(0)
    refused = watch.take()
    assert refused
    effective = (await alone.ask("GET", "settings"))["effective"]
    assert {key: effective[key] for key in held if key != "download_folder"} == {
        **{key: value for key, value in held.items() if key != "download_folder"},
        "trackers": [url],
    }
    assert all("400" in each for each in refused), refused

    await _choose(alone, {})
    await alone.ask_until("settings", lambda settings: not any(settings["chosen"].values()))


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def opened(alone: Lab) -> None:
    await alone.open_workspace("settings")


async def _choose(lab: Lab, settings: dict[str, Any]) -> None:
    """Have the Settings Editor's choices as they are given."""
    await lab.page.evaluate(
        """async raw => {
            const { pluginRegistry } = jupyterapp;
            const tokens = [...pluginRegistry._services.keys()];
            const token = tokens.find(({ name }) => name.endsWith(':ISettingRegistry'));
            const registry = await pluginRegistry.resolveRequiredService(token);
            await registry.upload('jupyter-webtorrent:settings', raw);
        }""",
        json.dumps(settings),
    )
