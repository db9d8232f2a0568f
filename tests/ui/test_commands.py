"""Everything in JupyterLab around the panel: menus, drops, the palette, the status bar, notifications."""

from __future__ import annotations

import asyncio
import base64
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from tests.ui.browser import Watch
from tests.ui.file_browser import item, open_file_browser, share_folder
from tests.ui.lab import Lab

pytestmark = pytest.mark.asyncio(loop_scope="module")

LARGE = 40_000_000
_RATES = re.compile("^WebTorrent: receiving")
_BOTH = re.compile(r"↓ [\d.]+ MB/s *↑ [\d.]+ k?B/s")


async def test_a_file_is_shared_from_the_file_browsers_menu(teacher: Lab, student: Lab) -> None:
    (teacher.root / "menu.csv").write_bytes(b"a,b\n" * 20_000)
    await open_file_browser(teacher)
    await item(teacher, "menu.csv").click(button="right")
    await teacher.photograph("context-menu")
    await teacher.page.get_by_role("menuitem", name="Share with WebTorrent").click()
    dialog = teacher.dialog("Share with WebTorrent")
    await expect(dialog.get_by_role("list", name="What is shared")).to_have_text("menu.csv")
    await expect(dialog.get_by_role("button", name="Share")).to_be_focused()
    await dialog.get_by_text("Options").click()
    assert await teacher.axe_violations(".jp-wt-Dialog") == []
    await teacher.photograph("share-dialog")
    await dialog.get_by_role("button", name="Share").click()
    await expect(dialog.get_by_label("Magnet link")).to_have_value(re.compile("^magnet:"))
    await expect(dialog.get_by_role("img", name="QR code of the link")).to_be_visible()
    await dialog.get_by_role("button", name="Copy").click()
    await expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert await teacher.axe_violations(".jp-wt-Dialog") == []
    await teacher.photograph_in_both_themes("share-dialog-shared")
    async with teacher.page.expect_download() as downloading:
        await dialog.get_by_role("link", name="Download .torrent").click()
    await (await downloading.value).save_as(student.root / "menu.csv.torrent")
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).not_to_be_attached()


async def test_a_torrent_file_opens_into_the_fetch_dialog(teacher: Lab, student: Lab) -> None:
    tabs = student.page.locator("#jp-main-dock-panel .lm-TabBar-tab")
    count = await tabs.count()
    await open_file_browser(student)
    await item(student, "menu.csv.torrent").dblclick()
    dialog = student.dialog("Fetch with WebTorrent")
    await expect(dialog.get_by_role("heading", level=3)).to_contain_text("menu.csv")
    await expect(dialog.get_by_role("group", name="Files")).to_contain_text("80.0 kB")
    await expect(tabs).to_have_count(count)
    await student.photograph("fetch-dialog-torrent")
    await dialog.get_by_label("Into the folder").fill("from/torrent")
    await dialog.get_by_role("button", name="Fetch").click()
    await expect(dialog).not_to_be_attached()
    told = student.notification("menu.csv is complete.")
    await expect(told).to_be_visible()
    await expect(told.get_by_role("button", name="Open File")).to_be_visible()
    await student.photograph("notification")
    fetched = student.root / "from" / "torrent" / "menu.csv"
    assert fetched.read_bytes() == (teacher.root / "menu.csv").read_bytes()
    await open_file_browser(student)
    await item(student, "menu.csv.torrent").dblclick()
    await expect(dialog).to_contain_text("This is among the transfers already.")
    await student.photograph("fetch-dialog-here")
    await dialog.get_by_role("button", name="Show").click()
    await expect(student.panel).to_be_visible()
    await expect(student.row("menu.csv")).to_be_visible()


async def test_the_palette_has_the_commands_by_their_labels(student: Lab) -> None:
    await student.page.keyboard.press("Control+Shift+C")
    palette = student.page.locator("#modal-command-palette")
    await palette.get_by_role("textbox").fill("webtorrent")
    for label in (
        "Share with WebTorrent",
        "Fetch with WebTorrent…",
        "Show Transfers",
        "Pause All Transfers",
    ):
        await expect(palette.get_by_text(label, exact=True)).to_be_visible()
    await student.photograph("palette")
    await student.page.keyboard.press("Escape")


async def test_the_palettes_commands_do_what_they_say(student: Lab) -> None:
    await student.open_panel()
    await student.share("palette.csv", b"1")
    for command, state in (("Pause All Transfers", "Paused"), ("Resume All Transfers", "Seeding")):
        await _from_palette(student, command)
        await expect(student.row("palette.csv")).to_contain_text(state)
    await open_file_browser(student)
    await expect(student.panel).to_be_hidden()
    await _from_palette(student, "Show Transfers")
    await expect(student.panel).to_be_visible()


async def test_two_tabs_show_the_rates_and_tell_of_the_completion_each(
    watch: Watch, teacher: Lab, student: Lab
) -> None:
    content = random.Random(4).randbytes(LARGE)
    (teacher.root / "large.bin").write_bytes(content)
    link = await teacher.ask("POST", "share", {"paths": ["large.bin"]})
    async with _second_tab(watch, student) as second:
        tabs = (student, second)
        async with teacher.sending_at_most(4_000_000):
            await student.ask("POST", "fetch", {"link": link["magnet"]})
            rates = [tab.page.get_by_role("button", name=_RATES) for tab in tabs]
            await asyncio.gather(*(expect(rate).to_have_text(_BOTH) for rate in rates))
            await student.photograph("status-bar")
            assert await student.axe_violations(".jp-wt-Rates") == []
        for tab in tabs:
            told = tab.notification("large.bin is complete.")
            await expect(told).to_have_count(1, timeout=60_000)
    assert (student.root / "large.bin").read_bytes() == content
    await expect(student.page.locator(".jp-wt-Rates")).not_to_be_visible()


async def test_what_is_dropped_onto_the_panel_is_fetched_or_shared(
    teacher: Lab, student: Lab
) -> None:
    link = await share_folder(teacher, "dropped", {"c.csv": 4_000})
    await student.open_panel()
    dialog = student.dialog("Fetch with WebTorrent")
    await _drop(student, text=link)
    await expect(dialog.get_by_role("heading", level=3)).to_contain_text("dropped")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).not_to_be_attached()

    torrent = (student.root / "menu.csv.torrent").read_bytes()
    await _drop(student, files={"any.torrent": torrent})
    await expect(dialog).to_contain_text("This is among the transfers already.")
    await dialog.get_by_role("button", name="Close").click()

    await _drop(student, files={"desk.csv": b"x,y\n" * 600_000}, photograph=True)
    sharing = student.dialog("Share with WebTorrent")
    await expect(sharing).to_contain_text("2.4 MB are uploaded")
    await student.photograph("share-dialog-upload")
    await sharing.get_by_role("button", name="Share").click()
    await expect(sharing.get_by_label("Magnet link")).to_have_value(re.compile("^magnet:"))
    await sharing.get_by_role("button", name="Done").click()
    assert (student.root / "desk.csv").read_bytes() == b"x,y\n" * 600_000

    await _drop(student, files={"desk.csv": b"another"})
    await sharing.get_by_role("button", name="Share").click()
    await expect(sharing.get_by_role("alert")).to_contain_text("There is a desk.csv")
    await sharing.get_by_role("button", name="Cancel").click()
    assert (student.root / "desk.csv").stat().st_size == 2_400_000


async def test_a_file_that_is_dragged_to_the_panel_from_the_file_browser_is_shared(
    student: Lab,
) -> None:
    (student.root / "dragged.csv").write_bytes(b"1")
    await open_file_browser(student)
    mouse = student.page.mouse
    await item(student, "dragged.csv").hover()
    await mouse.down()
    tab = await student.page.get_by_role("tab", name="Transfers").bounding_box()
    assert tab is not None
    await mouse.move(tab["x"] + 90, tab["y"], steps=4)
    await mouse.move(tab["x"] + tab["width"] / 2, tab["y"] + tab["height"] / 2, steps=4)
    await expect(student.panel).to_be_visible()
    panel = await student.panel.bounding_box()
    assert panel is not None
    await mouse.move(panel["x"] + panel["width"] / 2, panel["y"] + panel["height"] / 2, steps=4)
    await expect(student.panel).to_have_class(re.compile("jp-wt-mod-dropTarget"))
    await student.photograph("drop-target")
    await mouse.up()
    dialog = student.dialog("Share with WebTorrent")
    await expect(dialog.get_by_role("list", name="What is shared")).to_have_text("dragged.csv")
    await student.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()
    await expect(student.panel).not_to_have_class(re.compile("jp-wt-mod-dropTarget"))
    assert (student.root / "dragged.csv").exists()


async def _drop(
    lab: Lab, *, text: str = "", files: dict[str, bytes] | None = None, photograph: bool = False
) -> None:
    """Drop something from beyond the browser onto the panel."""
    data = await lab.page.evaluate_handle(
        """({ text, files }) => {
            const data = new DataTransfer();
            if (text) {
                data.setData('text/plain', text);
            }
            for (const [name, content] of Object.entries(files)) {
                const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
                data.items.add(new File([bytes], name));
            }
            return data;
        }""",
        {
            "text": text,
            "files": {
                name: base64.b64encode(content).decode() for name, content in (files or {}).items()
            },
        },
    )
    await lab.panel.dispatch_event("dragover", {"dataTransfer": data})
    if photograph:
        await lab.photograph("drop-from-desktop")
    await lab.panel.dispatch_event("drop", {"dataTransfer": data})


@asynccontextmanager
async def _second_tab(watch: Watch, lab: Lab) -> AsyncIterator[Lab]:
    """The same server in another tab of the same browser, whose panel nobody has opened."""
    async with await lab.page.context.new_page() as page:
        watch.over(page)
        await page.goto(f"{lab.server.url}lab/workspaces/second?token={lab.server.token}")
        await expect(page.get_by_role("tab", name="Transfers")).to_be_visible(timeout=40_000)
        await expect(page.locator("#jupyterlab-splash")).not_to_be_attached()
        yield Lab("second", lab.server, page)


async def _from_palette(lab: Lab, label: str) -> None:
    await lab.page.keyboard.press("Control+Shift+C")
    await lab.page.locator("#modal-command-palette").get_by_role("textbox").fill(label)
    await lab.page.keyboard.press("Enter")
