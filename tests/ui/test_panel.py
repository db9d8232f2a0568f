"""The side panel of JupyterLab: the list, the details of a transfer, and what becomes of both in bad times."""

from __future__ import annotations

import asyncio
import re
import socket
import unicodedata
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from notebooks.demo.programs import running_tracker
from tests.hostile_names import HOSTILE_NAMES
from tests.ui.browser import chromium
from tests.ui.lab import Lab
from tests.ui.servers import lab_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABS = ("Overview", "Files", "Peers", "Trackers")
LARGE = 60_000_000


async def test_keys_alone_choose_a_transfer_and_what_is_done_to_it(teacher: Lab) -> None:
    for name in ("one.txt", "two.txt", "three.txt"):
        await teacher.share(name, name.encode())
    page, panel = teacher.page, teacher.panel
    await teacher.row("three.txt").focus()
    await page.keyboard.press("ArrowDown")
    await expect(teacher.row("two.txt")).to_be_focused()
    await expect(teacher.row("two.txt")).to_have_attribute("aria-selected", "false")

    await page.keyboard.press("Enter")
    details = panel.get_by_role("region", name="Details of two.txt")
    await expect(details.get_by_role("tab", name="Overview")).to_be_focused()
    for title in (*TABS[1:], TABS[0]):
        await page.keyboard.press("ArrowRight")
        await expect(details.get_by_role("tab", name=title)).to_be_focused()
        await expect(details.get_by_role("tabpanel", name=title)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(details).not_to_be_attached()
    await expect(teacher.row("two.txt")).to_be_focused()

    await page.keyboard.press("Tab")
    await expect(panel.get_by_role("button", name="Pause two.txt")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(teacher.row("two.txt")).to_contain_text("Paused")
    await teacher.photograph("panel-row-focused")
    await expect(panel.get_by_role("button", name="Resume two.txt")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(teacher.row("two.txt")).to_contain_text("Seeding")

    await teacher.row("two.txt").focus()
    await page.keyboard.press("ContextMenu")
    menu = page.get_by_role("menu").filter(has_text="Copy Magnet Link")
    await expect(menu).to_be_visible()
    await teacher.photograph("panel-menu")
    await page.keyboard.press("Escape")

    await teacher.row("two.txt").focus()
    await page.keyboard.press("Delete")
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(teacher.row("two.txt")).not_to_be_attached()
    await expect(teacher.row("one.txt")).to_be_focused()
    assert (teacher.root / "two.txt").exists()
    await teacher.remove_all()


async def test_a_command_shows_a_transfer_and_another_its_details(teacher: Lab) -> None:
    shared = await teacher.share("shown.txt", b"shown")
    await teacher.page.get_by_role("tab", name="File Browser").click()
    await _execute(teacher, "webtorrent:show", shared["info_hash"])
    await expect(teacher.row("shown.txt")).to_be_focused()
    await teacher.page.get_by_role("tab", name="File Browser").click()
    await _execute(teacher, "webtorrent:details", shared["info_hash"])
    await expect(teacher.panel.get_by_role("tab", name="Overview")).to_be_focused()
    await teacher.open_tab("Files")
    await teacher.panel.get_by_role("button", name="Open shown.txt").click()
    await expect(teacher.page.locator(".jp-FileEditor .cm-content")).to_have_text("shown")
    await teacher.remove_all()


async def test_the_details_of_a_download_tell_how_it_goes(teacher: Lab, student: Lab) -> None:
    folder = teacher.root / "lecture"
    folder.mkdir()
    (folder / "video.mp4").write_bytes(bytes(LARGE))
    (folder / "notes.md").write_text("# Notes\n", "utf-8")
    shared = await teacher.ask("POST", "share", {"paths": ["lecture"]})
    details = student.panel.get_by_role("region", name="Details of lecture")
    async with teacher.sending_at_most(3_000_000):
        await student.ask("POST", "fetch", {"link": shared["magnet"]})
        await student.row("lecture").click()
        await expect(student.row("lecture")).to_contain_text("Downloading")
        await expect(details.get_by_role("img", name="Pieces that are here")).to_be_visible()
        await expect(details.get_by_role("img", name=re.compile("receiving .*MB"))).to_be_visible()
        await student.photograph("panel-overview")

        await student.open_tab("Files")
        await expect(details.get_by_role("listitem").filter(has_text="video.mp4")).to_contain_text(
            "60.0 MB"
        )
        await student.photograph("panel-files")
        await student.open_tab("Peers")
        await expect(
            details.get_by_role("list", name="Peers").get_by_role("listitem")
        ).to_contain_text("WebRTC")
        await student.photograph("panel-peers")
        await student.open_tab("Trackers")
        await expect(details.get_by_role("listitem")).to_contain_text("Working")
    await student.open_tab("Overview")
    await expect(student.row("lecture")).to_contain_text("Seeding")
    await expect(details).to_contain_text("60.0 MB WebRTC")
    await student.photograph("panel-overview-narrow", width=800)
    await student.open_tab("Files")
    await expect(details.get_by_role("button", name="Open notes.md")).to_be_visible()
    await student.remove_all()
    await teacher.remove_all()


async def test_what_is_only_read_is_fetched_into_a_folder_from_its_files(
    teacher: Lab, student: Lab
) -> None:
    shared = await teacher.share("read.txt", b"only read")
    await student.ask("POST", "fetch", {"link": shared["magnet"], "on_demand": True})
    await expect(student.row("read.txt")).to_contain_text("Ready to read")
    await student.row("read.txt").click()
    await student.open_tab("Files")
    files = student.panel.get_by_role("tabpanel", name="Files")
    await expect(files).to_contain_text("Only what is read of these files comes.")
    await expect(files.get_by_role("combobox")).to_have_count(0)
    await student.photograph("panel-on-demand")
    await student.choose_theme("Dark")
    await student.photograph("panel-on-demand-dark", width=800)
    await student.choose_theme("Light")
    await files.get_by_role("button", name="Fetch into a folder…").click()
    dialog = student.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Fetch", exact=True).click()
    await expect(student.row("read.txt")).to_contain_text("Seeding")
    assert (student.root / "read.txt").read_bytes() == b"only read"
    await expect(files.get_by_label("Priority of read.txt")).to_have_value("normal")
    await student.remove_all()
    await teacher.remove_all()


async def test_a_tracker_that_is_down_is_named_with_the_reason(teacher: Lab) -> None:
    (teacher.root / "alone.csv").write_bytes(b"1")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        dead = f"ws://127.0.0.1:{deaf.getsockname()[1]}/announce"
        await teacher.ask("POST", "share", {"paths": ["alone.csv"], "trackers": [dead]})
        await teacher.row("alone.csv").click()
        await teacher.open_tab("Trackers")
        tracker = teacher.panel.get_by_role("tabpanel", name="Trackers").get_by_role("listitem")
        await expect(tracker).to_contain_text(dead)
        await expect(tracker).to_contain_text("Failed")
        await expect(tracker).to_contain_text("refused")
    await teacher.photograph("panel-dead-tracker")
    await teacher.remove_all()


async def test_the_focus_is_on_the_list_when_its_details_go(teacher: Lab) -> None:
    for name in ("stays.txt", "goes.txt"):
        shared = await teacher.share(name, name.encode())
    await teacher.row("goes.txt").click()
    await teacher.panel.get_by_role("tab", name="Overview").focus()
    await teacher.ask("DELETE", f"torrents/{shared['info_hash']}")
    await expect(teacher.row("stays.txt")).to_be_focused()
    await teacher.remove_all()


async def test_a_login_that_no_longer_holds_is_told_as_such(teacher: Lab) -> None:
    page = await teacher.page.context.new_page()
    lab = Lab("expired", teacher.server, page)
    forbidden = {"message": "Forbidden", "reason": None}
    try:
        await page.route(
            re.compile("webtorrent/api/"), lambda route: route.fulfill(status=403, json=forbidden)
        )
        await page.route_web_socket(
            re.compile("webtorrent/api/events"), lambda socket: socket.close(code=4403)
        )
        await lab.open_workspace("expired")
        reason = "You are no longer logged in: reload the page."
        await expect(lab.panel.get_by_role("status")).to_have_text(reason)
        await page.evaluate("void jupyterapp.commands.execute('webtorrent:fetch')")
        dialog = page.get_by_role("dialog", name="Fetch with WebTorrent")
        await dialog.get_by_label("Link").fill("magnet:?xt=urn:btih:" + "cd" * 20)
        await page.keyboard.press("Enter")
        await expect(dialog).to_contain_text(reason)
        await lab.photograph("login", width=800)
    finally:
        await page.close()


async def test_fifty_hostile_names_are_text_wherever_they_are_shown(teacher: Lab) -> None:
    folder = teacher.root / "hostile"
    folder.mkdir()
    for name in HOSTILE_NAMES:
        (folder / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    expected = {_displayed(name) for name in HOSTILE_NAMES}
    dialogs: list[str] = []
    teacher.page.on("dialog", lambda dialog: dialogs.append(dialog.message))

    await teacher.ask("POST", "share", {"paths": ["hostile"]})
    await teacher.row("hostile").click()
    await teacher.open_tab("Files")
    shown = await _all_texts(teacher.panel.get_by_role("list", name="Files"), ".jp-wt-File-name")
    assert shown == expected
    await teacher.photograph("panel-hostile-files")

    await asyncio.gather(
        *(teacher.ask("POST", "share", {"paths": [f"hostile/{name}"]}) for name in HOSTILE_NAMES)
    )
    await teacher.panel.get_by_role("button", name="Close the details").click()
    grid = teacher.panel.get_by_role("grid")
    await expect(grid).to_have_attribute("aria-rowcount", str(len(expected) + 1))
    shown = await _all_texts(grid, ".jp-wt-Row-name")
    assert shown == expected | {"hostile"}
    await teacher.photograph("panel-hostile-list")

    await teacher.panel.get_by_role("row").first.focus()
    await teacher.page.keyboard.press("Home")
    await teacher.page.keyboard.press("Enter")
    headings = set()
    for _ in HOSTILE_NAMES:
        await teacher.panel.locator(".jp-wt-Row[aria-selected='true']").focus()
        headings.add(await teacher.panel.get_by_role("heading", level=3).text_content())
        await teacher.page.keyboard.press("ArrowDown")
    assert headings == expected
    strangers = "img, iframe, script, meta, base, details, style, form, a:not(.jp-wt-LinkLine a)"
    assert await teacher.panel.locator(strangers).count() == 0
    assert dialogs == []
    await teacher.remove_all()


async def test_two_tabs_stay_current_and_outlast_a_server_that_went_away(tmp_path: Path) -> None:
    async with running_tracker(tmp_path / "tracker.log") as tracker, chromium() as browser:
        context = await browser.new_context()
        folder = tmp_path / "lab"
        async with AsyncExitStack() as first_run:
            server = await first_run.enter_async_context(lab_server("a", folder, tracker))
            tabs = [Lab("tab", server, await context.new_page()) for _ in range(2)]
            await asyncio.gather(*(tab.open_workspace(f"tab-{n}") for n, tab in enumerate(tabs)))
            shared = await tabs[0].share("kept.txt", b"kept")
            for tab in tabs:
                await expect(tab.row("kept.txt")).to_contain_text("Seeding")
            await tabs[1].row("kept.txt").hover()
            await tabs[1].panel.get_by_role("button", name="Pause kept.txt").click()
            for tab in tabs:
                await expect(tab.row("kept.txt")).to_contain_text("Paused")
            await tabs[0].ask("POST", f"torrents/{shared['info_hash']}/resume")
            for tab in tabs:
                await expect(tab.row("kept.txt")).to_contain_text("Seeding")
            await tabs[0].row("kept.txt").click()
            assert server.program is not None
            await server.program.kill()
            for tab in tabs:
                await expect(tab.panel.get_by_role("status")).to_have_text(
                    "The Jupyter server does not answer. Trying again…"
                )
                await expect(tab.row("kept.txt")).to_be_visible()
            await tabs[0].photograph("server-away")
        async with lab_server("the same", folder, tracker, again=server):
            for tab in tabs:
                await expect(tab.panel.get_by_role("status")).to_be_empty(timeout=70_000)
                await expect(tab.row("kept.txt")).to_contain_text("Seeding")
            await tabs[0].ask("POST", f"torrents/{shared['info_hash']}/pause")
            for tab in tabs:
                await expect(tab.row("kept.txt")).to_contain_text("Paused")
            await expect(tabs[0].panel.get_by_role("tabpanel")).to_contain_text("Paused")
            await tabs[0].photograph("server-back")
        await context.close()


async def _execute(lab: Lab, command: str, info_hash: str) -> None:
    await lab.page.evaluate(
        "([command, infoHash]) => jupyterapp.commands.execute(command, { infoHash })",
        [command, info_hash],
    )


def _displayed(name: str) -> str:
    deceptive = ("Cc", "Cf", "Zl", "Zp")
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) in deceptive else letter
        for letter in name
    )


async def _all_texts(scroller: Locator, selector: str) -> set[str]:
    """The text of all elements of a list that draws only what is in view."""
    await expect(scroller.locator(selector).first).to_be_visible()
    texts = await scroller.evaluate(
        """async (list, selector) => {
            const texts = new Set();
            const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
            for (let top = 0; top < list.scrollHeight; top += list.clientHeight / 2) {
                list.scrollTop = top;
                await frame();
                await frame();
                await frame();
                list.querySelectorAll(selector).forEach(found => texts.add(found.textContent));
            }
            return [...texts];
        }""",
        selector,
    )
    return set(texts)
