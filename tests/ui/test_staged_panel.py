"""The side panel with transfers of every state, of a thousand, and of failures: none of them is there."""

from __future__ import annotations

import re
import statistics
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import CDPSession, expect

from tests.ui.browser import Watch
from tests.ui.lab import Lab
from tests.ui.stage import Stage, in_every_state, thousand

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABS = ("Overview", "Files", "Peers", "Trackers")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(alone: Lab) -> Stage:
    stage = Stage(alone)
    await stage.open()
    return stage


@pytest.mark.parametrize("theme", ["Light", "Dark"])
async def test_nothing_keeps_a_person_from_using_it_in(stage: Stage, theme: str) -> None:
    await stage.show(in_every_state())
    await stage.lab.choose_theme(theme)
    for title in TABS:
        await stage.lab.row("penguins.csv").click()
        await stage.lab.open_tab(title)
        await expect(stage.lab.panel.get_by_role("tabpanel", name=title)).not_to_contain_text(
            "Loading"
        )
        await stage.lab.photograph(f"panel-{title}-{theme}".lower())
        assert await stage.lab.axe_violations(".jp-wt-Panel") == [], title
    await stage.lab.photograph(f"panel-all-states-{theme}".lower(), width=800)


async def test_the_details_say_why_a_peer_could_not_be_reached(stage: Stage) -> None:
    await stage.show(in_every_state())
    await stage.lab.row("penguins.csv").click()
    await stage.lab.open_tab("Peers")
    failures = stage.lab.panel.get_by_role("list", name="Peers that could not be reached")
    await expect(failures).to_contain_text("192.0.2.9:6881")
    await expect(failures).to_contain_text("nothing listens there")
    await expect(failures).to_contain_text("3 attempts · 13 s ago")


async def test_priorities_and_limits_are_changed_in_the_details(stage: Stage, watch: Watch) -> None:
    await stage.show(in_every_state())
    await stage.lab.row("penguins.csv").click()
    await stage.lab.panel.get_by_label("Download", exact=True).fill("250")
    await stage.lab.page.keyboard.press("Enter")
    await expect(stage.lab.panel.get_by_label("Download", exact=True)).to_have_value("250")
    await expect(stage.lab.panel.get_by_label("Download", exact=True)).to_be_focused()
    upload = stage.lab.panel.get_by_label("Upload", exact=True)
    await upload.fill("")
    await upload.blur()
    await stage.lab.open_tab("Files")
    await stage.lab.panel.get_by_label("Priority of penguins/old.zip").select_option("High")
    await expect(stage.lab.panel.get_by_label("Priority of penguins/old.zip")).to_have_value("high")
    assert stage.changes == [
        {"down_limit": 250_000},
        {"up_limit": None},
        {"priorities": {"3": "high"}},
    ]
    stage.refusal = "a limit is at least 1 kB/s"
    await stage.lab.open_tab("Overview")
    await stage.lab.panel.get_by_label("Upload", exact=True).fill("0.5")
    await stage.lab.panel.get_by_label("Upload", exact=True).fill("2")
    await stage.lab.page.keyboard.press("Enter")
    await expect(stage.lab.panel.get_by_role("alert")).to_have_text(stage.refusal)
    (complaint,) = watch.take()  # the browser's own
    assert "409" in complaint


async def test_details_are_asked_for_only_while_somebody_looks(stage: Stage) -> None:
    await stage.show(in_every_state())
    stage.asked = 0
    await stage.asked_nothing_for(1.5)
    assert stage.asked == 0
    await stage.lab.row("penguins.csv").click()
    await stage.asked_more()
    await stage.lab.page.get_by_role("tab", name="File Browser").click()
    await expect(stage.lab.panel).to_be_hidden()
    await stage.asked_nothing_for(2.5)
    await stage.lab.open_panel()
    await stage.asked_more()
    await stage.lab.panel.get_by_role("button", name="Close the details").click()
    await expect(stage.lab.panel.get_by_role("tablist")).not_to_be_attached()
    await stage.asked_nothing_for(2.5)


async def test_a_failure_is_told_with_its_reason_however_long_the_name(stage: Stage) -> None:
    transfers = in_every_state()
    model = next(each for each in transfers if each["state"] == "downloading")
    download = {**model, "info_hash": "ef" * 20, "name": "long" * 60 + ".csv"}
    await stage.show([download])
    failed = {**download, "state": "failed", "error": "the disk is full"}
    stage.update([failed])
    told = stage.lab.page.get_by_role("alert").filter(has_text="the disk is full")
    await expect(told).to_have_count(1)
    await expect(told).to_contain_text(re.compile("^(long)+lo….*long.csv: the disk is full"))
    await stage.lab.photograph("panel-failure-told")
    await told.get_by_role("button", name="Show").click()
    await expect(stage.lab.panel.get_by_role("tabpanel")).to_contain_text("the disk is full")


async def test_a_link_is_pasted_onto_the_link_field_and_the_filter_too(stage: Stage) -> None:
    await stage.show(thousand()[:20] + in_every_state())
    dialog = stage.lab.page.get_by_role("dialog", name="Fetch with WebTorrent")
    await stage.lab.row("penguins.csv").click()
    for field in ("Link", "Filter by name"):
        await stage.lab.panel.get_by_label(field, exact=True).focus()
        await stage.lab.paste("magnet:?xt=urn:btih:" + "cd" * 20)
        await expect(dialog).to_be_visible()
        await stage.lab.page.keyboard.press("Escape")
        await expect(dialog).not_to_be_attached()
    limit = stage.lab.panel.get_by_label("Download", exact=True)
    await limit.focus()
    await stage.lab.paste("magnet:?xt=urn:btih:" + "cd" * 20)
    await expect(limit).to_be_focused()
    await expect(dialog).not_to_be_attached()


@pytest.mark.alone
async def test_a_thousand_transfers_are_smooth(stage: Stage) -> None:
    transfers = thousand()
    await stage.show(transfers)
    await expect(stage.lab.row("data-999.bin")).to_be_visible()
    assert await stage.lab.panel.get_by_role("row").count() < 40
    session = await stage.lab.page.context.new_cdp_session(stage.lab.page)
    await session.send("Performance.enable")
    durations = []
    for turn in range(1, 21):
        busy = await _busy_seconds(session)
        name = f"turn-{turn}.bin"
        stage.update([_moved(transfer, turn, name) for transfer in transfers])
        await expect(stage.lab.row(name).first).to_be_visible()
        durations.append(1000 * (await _busy_seconds(session) - busy))
    print(f"an update of 1,000 transfers: {statistics.median(durations):.1f} ms of the page")
    await stage.lab.photograph("panel-thousand")
    await stage.lab.panel.get_by_role("grid").press("End")
    assert 0 < statistics.median(durations) < 50

    stage.update([_moved(transfer, 0, transfer["name"]) for transfer in transfers])
    await stage.lab.panel.get_by_label("Filter by name").fill("data 777")
    await expect(stage.lab.panel.get_by_role("row")).to_have_count(1)
    await expect(stage.lab.row("data-777.bin")).to_be_visible()
    await stage.lab.panel.get_by_label("Filter by name").fill("nothing of the sort")
    await expect(stage.lab.panel).to_contain_text("No transfer has such a name.")
    await stage.lab.panel.get_by_label("Filter by name").fill("")
    await stage.lab.panel.get_by_label("Order").select_option("By name")
    await expect(stage.lab.row("data-2.bin")).to_be_visible()
    await stage.lab.row("data-0.bin").focus()
    await stage.lab.page.keyboard.press("End")
    await expect(stage.lab.row("data-999.bin")).to_be_focused()


async def _busy_seconds(session: CDPSession) -> float:
    """How long a page has worked since the session began to measure: scripts, styles and layout."""
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    return sum(
        float(metric["value"])
        for metric in metrics
        if metric["name"] in ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
    )


def _moved(transfer: dict[str, Any], turn: int, name: str) -> dict[str, Any]:
    """The transfer a second later, the newest of them with another name."""
    newest = transfer["info_hash"] == f"{999:040x}"
    return {
        **transfer,
        "name": name if newest or turn == 0 else transfer["name"],
        "done": transfer["done"] + turn * 100_000,
        "down_rate": 100_000 + turn,
    }
