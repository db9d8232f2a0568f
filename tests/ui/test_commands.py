"""Everything in JupyterLab around the panel: menus, dialogs, drops, the status bar, notifications, settings."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.ui.conftest import Classroom
from tests.ui.lab import Lab

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE = "<img src=x onerror=alert(1)>.csv"
LARGE = 150_000_000
_RATES = re.compile("^WebTorrent: receiving")


async def test_with_nothing_selected_the_open_document_is_offered_and_never_the_whole_folder(
    student: Lab,
) -> None:
    (student.root / "none").mkdir()
    await _go_to(student, "none")
    await student.panel.get_by_role("button", name="Share…").click()
    dialog = _dialog(student.page, "Share with WebTorrent")
    await expect(dialog.get_by_role("list", name="What is shared")).to_have_text("lesson.ipynb")
    await student.page.keyboard.press("Escape")
    await student.page.evaluate("void jupyterapp.commands.execute('launcher:create')")
    await expect(student.page.locator(".jp-Launcher")).to_be_visible()
    await student.panel.get_by_role("button", name="Share…").click()
    asking = student.page.get_by_role("dialog")
    await expect(asking).to_contain_text("Select files or folders in the file browser first")
    await student.photograph("share-nothing")
    await student.page.keyboard.press("Enter")
    await expect(student.page.locator("#filebrowser")).to_be_visible()
    await student.page.evaluate("jupyterapp.commands.execute('application:close')")
    await _go_to(student, "")


async def test_a_goal_that_is_no_goal_is_shown_even_if_its_options_are_closed(
    student: Lab,
) -> None:
    await _open_share_dialog(student, "lesson.ipynb")
    dialog = _dialog(student.page, "Share with WebTorrent")
    await dialog.get_by_text("Options").click()
    hours = dialog.get_by_label("Pause after (hours)")
    await hours.fill("-1")
    await dialog.get_by_text("Options").click()
    await expect(hours).not_to_be_visible()
    await dialog.get_by_role("button", name="Share").click()
    await expect(hours).to_be_focused()
    await student.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()


async def test_what_becomes_of_a_share_is_told_although_its_dialog_is_closed(
    classroom: Classroom, student: Lab
) -> None:
    (student.root / "later.csv").write_bytes(b"1")
    closed = asyncio.Event()
    refusals = iter([{"message": "cannot read later.csv: Input/output error"}])

    async def answer(route: Route) -> None:
        await closed.wait()
        refusal = next(refusals, None)
        await (route.continue_() if refusal is None else route.fulfill(status=409, json=refusal))

    await student.page.route(re.compile("webtorrent/api/share"), answer)
    for text in ("cannot read later.csv", "later.csv is shared."):
        closed.clear()
        await _open_share_dialog(student, "later.csv")
        dialog = _dialog(student.page, "Share with WebTorrent")
        await dialog.get_by_role("button", name="Share").click()
        await expect(dialog).to_contain_text("You may close this")
        await dialog.get_by_role("button", name="Close").click()
        await expect(dialog).not_to_be_attached()
        closed.set()
        await expect(_notification(student.page, text)).to_be_visible()
    await student.photograph("notification-shared")
    await student.page.unroute_all()
    (refused,) = classroom.watch.take()
    assert "409" in refused


async def test_a_file_is_shared_from_the_file_browsers_menu(teacher: Lab, student: Lab) -> None:
    (teacher.root / "menu.csv").write_bytes(b"a,b\n" * 20_000)
    await _open_file_browser(teacher)
    await _item(teacher, "menu.csv").click(button="right")
    await teacher.photograph("context-menu")
    await teacher.page.get_by_role("menuitem", name="Share with WebTorrent").click()
    dialog = _dialog(teacher.page, "Share with WebTorrent")
    await expect(dialog.get_by_role("list", name="What is shared")).to_have_text("menu.csv")
    await expect(dialog.get_by_role("button", name="Share")).to_be_focused()
    await dialog.get_by_text("Options").click()
    await teacher.photograph("share-dialog")
    await dialog.get_by_role("button", name="Share").click()
    await expect(dialog.get_by_label("Magnet link")).to_have_value(re.compile("^magnet:"))
    await expect(dialog.get_by_role("img", name="QR code of the link")).to_be_visible()
    await dialog.get_by_role("button", name="Copy").click()
    await expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    await _photograph_in_both_themes(teacher, "share-dialog-shared")
    async with teacher.page.expect_download() as downloading:
        await dialog.get_by_role("link", name="Download .torrent").click()
    await (await downloading.value).save_as(student.root / "menu.csv.torrent")
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).not_to_be_attached()


async def test_a_torrent_file_opens_into_the_fetch_dialog(teacher: Lab, student: Lab) -> None:
    tabs = student.page.locator("#jp-main-dock-panel .lm-TabBar-tab")
    count = await tabs.count()
    await _open_file_browser(student)
    await _item(student, "menu.csv.torrent").dblclick()
    dialog = _dialog(student.page, "Fetch with WebTorrent")
    await expect(dialog.get_by_role("heading", level=3)).to_contain_text("menu.csv")
    await expect(dialog.get_by_role("group", name="Files")).to_contain_text("80.0 kB")
    await expect(tabs).to_have_count(count)
    await student.photograph("fetch-dialog-torrent")
    await dialog.get_by_label("Into the folder").fill("from/torrent")
    await dialog.get_by_role("button", name="Fetch").click()
    await expect(dialog).not_to_be_attached()
    told = _notification(student.page, "menu.csv is complete.")
    await expect(told).to_be_visible()
    await expect(told.get_by_role("button", name="Open File")).to_be_visible()
    await student.photograph("notification")
    fetched = student.root / "from" / "torrent" / "menu.csv"
    assert fetched.read_bytes() == (teacher.root / "menu.csv").read_bytes()
    await _open_file_browser(student)
    await _item(student, "menu.csv.torrent").dblclick()
    await expect(dialog).to_contain_text("This is among the transfers already.")
    await student.photograph("fetch-dialog-here")
    await dialog.get_by_role("button", name="Show").click()
    await expect(student.panel).to_be_visible()
    await expect(student.row("menu.csv")).to_be_visible()


async def test_a_pasted_link_of_a_folder_lets_files_be_chosen(teacher: Lab, student: Lab) -> None:
    link = await _share_folder(teacher, "folder", {"a.csv": 3_000, "b.csv": 5_000, HOSTILE: 7_000})
    await _open_panel(student)
    await _paste(student, f"Dear students, fetch this: {link}\n")
    dialog = _dialog(student.page, "Fetch with WebTorrent")
    files = dialog.get_by_role("group", name="Files")
    await expect(files).to_contain_text(HOSTILE)
    await expect(files).to_contain_text("3 of 3, 15.0 kB")
    await dialog.get_by_role("button", name="None").click()
    await expect(dialog.get_by_role("button", name="Fetch")).to_be_disabled()
    await dialog.get_by_role("checkbox", name="b.csv").check()
    await expect(files).to_contain_text("1 of 3, 5.0 kB")
    await _photograph_in_both_themes(student, "fetch-dialog")
    await dialog.get_by_role("button", name="Fetch").click()
    told = _notification(student.page, "folder is complete.")
    await expect(told.get_by_role("button", name="Show")).to_be_visible()
    await expect(told.get_by_role("button", name="Open File")).to_have_count(0)
    assert [path.name for path in (student.root / "folder").iterdir()] == ["b.csv"]


async def test_a_look_that_is_cancelled_leaves_nothing_behind(student: Lab) -> None:
    before = _hashes(await _ask(student, "GET", "torrents"))
    await _paste(student, "magnet:?xt=urn:btih:" + "ab" * 20)
    dialog = _dialog(student.page, "Fetch with WebTorrent")
    await expect(dialog).to_contain_text("Looking for somebody who has it")
    await expect(dialog).to_contain_text("Nobody has answered yet.", timeout=30_000)
    await student.photograph("fetch-dialog-nobody")
    await student.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()
    await _until(student, "torrents", lambda torrents: _hashes(torrents) == before)


async def test_a_mistake_is_one_line_in_the_dialog_that_the_launcher_opens_and_may_be_mended(
    classroom: Classroom, teacher: Lab, student: Lab
) -> None:
    await student.page.evaluate("void jupyterapp.commands.execute('launcher:create')")
    card = student.page.get_by_text("Fetch a Shared Dataset", exact=True)
    await card.scroll_into_view_if_needed()
    await student.photograph("launcher")
    await card.click()
    dialog = _dialog(student.page, "Fetch with WebTorrent")
    await expect(dialog.get_by_label("Link")).to_be_focused()
    await student.page.keyboard.type("nonsense")
    await student.page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("not 'nonsense'")
    await expect(dialog.get_by_label("Link")).to_have_value("nonsense")
    await student.photograph("fetch-dialog-mistake", width=800)
    (teacher.root / "good.csv").write_bytes(b"a,b\n" * 20_000)
    good = await _ask(teacher, "POST", "share", {"paths": ["good.csv"]})
    await dialog.get_by_label("Link").fill(good["magnet"])
    await student.page.keyboard.press("Enter")
    await expect(dialog.get_by_role("heading", level=3)).to_contain_text("good.csv")
    await student.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()
    (refused,) = classroom.watch.take()
    assert "400" in refused


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


async def test_two_tabs_show_the_rates_and_tell_of_the_completion_each(
    classroom: Classroom, teacher: Lab, student: Lab
) -> None:
    content = random.Random(4).randbytes(LARGE)
    (teacher.root / "large.bin").write_bytes(content)
    link = await _ask(teacher, "POST", "share", {"paths": ["large.bin"]})
    async with _second_tab(classroom, student) as second:
        await _ask(student, "POST", "fetch", {"link": link["magnet"]})
        pages = (student.page, second)
        rates = [page.get_by_role("button", name=_RATES) for page in pages]
        await asyncio.gather(*(expect(rate).to_contain_text("MB/s") for rate in rates))
        await student.photograph("status-bar")
        for page in pages:
            told = _notification(page, "large.bin is complete.")
            await expect(told).to_have_count(1, timeout=60_000)
    assert (student.root / "large.bin").read_bytes() == content
    await expect(student.page.locator(".jp-wt-Rates")).not_to_be_visible()


async def test_what_is_dropped_onto_the_panel_is_fetched_or_shared(
    teacher: Lab, student: Lab
) -> None:
    link = await _share_folder(teacher, "dropped", {"c.csv": 4_000})
    await _open_panel(student)
    dialog = _dialog(student.page, "Fetch with WebTorrent")
    await _drop(student, text=link)
    await expect(dialog.get_by_role("heading", level=3)).to_contain_text("dropped")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).not_to_be_attached()

    torrent = (student.root / "menu.csv.torrent").read_bytes()
    await _drop(student, files={"any.torrent": torrent})
    await expect(dialog).to_contain_text("This is among the transfers already.")
    await dialog.get_by_role("button", name="Close").click()

    await _drop(student, files={"desk.csv": b"x,y\n" * 600_000}, photograph=True)
    sharing = _dialog(student.page, "Share with WebTorrent")
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
    await _open_file_browser(student)
    mouse = student.page.mouse
    await _item(student, "dragged.csv").hover()
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
    dialog = _dialog(student.page, "Share with WebTorrent")
    await expect(dialog.get_by_role("list", name="What is shared")).to_have_text("dragged.csv")
    await student.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()
    await expect(student.panel).not_to_have_class(re.compile("jp-wt-mod-dropTarget"))
    assert (student.root / "dragged.csv").exists()


async def test_a_choice_in_the_settings_editor_reaches_the_server(student: Lab) -> None:
    await student.page.evaluate(
        "void jupyterapp.commands.execute('settingeditor:open', { query: 'WebTorrent' })"
    )
    limit = student.page.locator("input[id$='_downLimit']")
    await student.photograph("settings-opened")
    await limit.fill("250", timeout=15_000)
    await _until(student, "settings", lambda settings: settings["chosen"]["down_limit"] == 250_000)
    await _photograph_in_both_themes(student, "settings")
    await limit.fill("")
    await _until(student, "settings", lambda settings: settings["chosen"]["down_limit"] is None)


async def test_every_choice_is_held_but_the_one_that_is_refused(
    classroom: Classroom, student: Lab
) -> None:
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
    await _choose(student, chosen)
    await _until(student, "settings", lambda settings: held.items() <= settings["chosen"].items())
    refusal = _notification(student.page, "Tracker 1 of 1")
    await expect(refusal).to_have_count(1)
    await student.photograph("settings-refused")

    await _choose(student, {**chosen, "trackers": ["wss://"]})
    await expect(refusal).to_have_count(1)
    url = "wss://tracker.example/announce"
    await _choose(student, {**chosen, "trackers": [url]})
    await _until(student, "settings", lambda settings: settings["chosen"]["trackers"] == [url])
    await expect(refusal).to_have_count(0)
    refused = classroom.watch.take()
    assert all("400" in each for each in refused), refused

    await _choose(student, {})
    await _until(student, "settings", lambda settings: not any(settings["chosen"].values()))


async def test_a_preview_and_the_panel_bear_that_a_transfer_is_removed_elsewhere(
    classroom: Classroom, student: Lab
) -> None:
    (student.root / "seen.csv").write_bytes(b"a,b\n1,2\n")
    shared = await _ask(student, "POST", "share", {"paths": ["seen.csv"]})
    info_hash = shared["info_hash"]
    await _open_panel(student)
    await expect(student.row("seen.csv")).to_be_visible()
    for command in ("webtorrent:copy-link", "webtorrent:open-file", "webtorrent:remove"):
        await student.page.evaluate(
            "([command, infoHash]) => void jupyterapp.commands.execute(command, { infoHash })",
            [command, info_hash],
        )
    await expect(_notification(student.page, "The link is in the clipboard.")).to_be_visible()
    preview = student.page.locator(".jp-wt-Preview:visible")
    await expect(preview.get_by_role("link", name="Download")).to_be_visible()
    dialog = _dialog(student.page, "Remove this transfer?")
    await expect(dialog).to_be_visible()
    await student.page.evaluate(
        "async hash => { const { baseUrl, token } = jupyterapp.serviceManager.serverSettings;"
        " const headers = { Authorization: `token ${token}` };"
        " await fetch(`${baseUrl}webtorrent/api/torrents/${hash}`, { method: 'DELETE', headers }); }",
        info_hash,
    )
    await expect(preview).to_contain_text("The transfer was removed.")
    await expect(preview.get_by_role("link", name="Download")).to_have_count(0)
    await dialog.get_by_role("button", name="Remove").click()
    await expect(dialog).not_to_be_attached()
    missing = classroom.watch.take()  # the browser's own
    assert all("404" in each for each in missing), missing
    await expect(_notification(student.page, info_hash)).to_have_count(0)


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


async def _open_share_dialog(lab: Lab, path: str) -> None:
    await lab.page.evaluate(
        "path => void jupyterapp.commands.execute('webtorrent:share', { paths: [path] })", path
    )


async def _open_panel(lab: Lab) -> None:
    if not await lab.panel.is_visible():
        await lab.open_panel()


async def _open_file_browser(lab: Lab) -> None:
    if not await lab.page.locator("#filebrowser").is_visible():
        await lab.page.get_by_role("tab", name=re.compile("^File Browser")).click()
    await lab.page.evaluate("jupyterapp.commands.execute('filebrowser:refresh')")


async def _go_to(lab: Lab, folder: str) -> None:
    """Show a folder in the file browser, with nothing in it selected."""
    await lab.page.evaluate(
        """path => jupyterapp.commands.execute(
            'filebrowser:go-to-path', { path: `/${path}`, dontShowBrowser: true }
        )""",
        folder,
    )


def _item(lab: Lab, name: str) -> Locator:
    named = lab.page.get_by_text(name, exact=True)
    return lab.page.locator(".jp-DirListing-item").filter(has=named)


def _dialog(page: Page, title: str) -> Locator:
    return page.get_by_role("dialog", name=title)


def _notification(page: Page, text: str) -> Locator:
    return page.get_by_role("alert").filter(has_text=text)


async def _share_folder(lab: Lab, folder: str, files: dict[str, int]) -> str:
    """Share a folder through the file browser's menu; its link."""
    (lab.root / folder).mkdir()
    for name, size in files.items():
        (lab.root / folder / name).write_bytes(random.Random(name).randbytes(size))
    await _open_file_browser(lab)
    await _item(lab, folder).click(button="right")
    await lab.page.get_by_role("menuitem", name="Share with WebTorrent").click()
    dialog = _dialog(lab.page, "Share with WebTorrent")
    await expect(dialog).to_contain_text("Notebooks are shared as copies")
    await dialog.get_by_role("button", name="Share").click()
    link = dialog.get_by_label("Magnet link")
    await expect(link).to_have_value(re.compile("^magnet:"))
    magnet = await link.input_value()
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).not_to_be_attached()
    return magnet


async def _paste(lab: Lab, text: str) -> None:
    """Paste onto the panel, as a person does who has clicked on it."""
    await _open_panel(lab)
    await lab.panel.get_by_role("heading").first.click()
    await lab.page.evaluate(
        """text => {
            const clipboardData = new DataTransfer();
            clipboardData.setData('text/plain', text);
            const event = new ClipboardEvent('paste', { clipboardData, bubbles: true });
            document.activeElement.dispatchEvent(event);
        }""",
        text,
    )


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
async def _second_tab(classroom: Classroom, lab: Lab) -> AsyncIterator[Page]:
    """The same server in another tab of the same browser, with a workspace of its own."""
    page = await lab.page.context.new_page()
    classroom.watch.over(page)
    try:
        await page.goto(f"{lab.server.url}lab/workspaces/second?token={lab.server.token}")
        await expect(page.get_by_role("tab", name="Transfers")).to_be_visible(timeout=40_000)
        await expect(page.locator("#jupyterlab-splash")).not_to_be_attached()
        yield page
    finally:
        await page.close()


async def _ask(lab: Lab, method: str, path: str, body: object = None) -> Any:
    """Ask the REST API, as this page may."""
    return await lab.page.evaluate(
        """async ({ method, path, body }) => {
            const { baseUrl, token } = jupyterapp.serviceManager.serverSettings;
            const headers = { Authorization: `token ${token}` };
            const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
            const response = await fetch(`${baseUrl}webtorrent/api/${path}`, init);
            return response.json();
        }""",
        {"method": method, "path": path, "body": body},
    )


def _hashes(torrents: list[dict[str, Any]]) -> set[str]:
    return {torrent["info_hash"] for torrent in torrents}


async def _until(lab: Lab, path: str, test: Callable[[Any], bool]) -> None:
    """Ask the REST API until its answer passes."""
    async with asyncio.timeout(20):
        while not test(await _ask(lab, "GET", path)):  # noqa: ASYNC110 - the server tells of no change
            await asyncio.sleep(0.1)


async def _photograph_in_both_themes(lab: Lab, moment: str) -> None:
    await lab.photograph(moment)
    await lab.choose_theme("Dark")
    await lab.photograph(f"{moment}-dark", width=800)
    await lab.choose_theme("Light")
    await lab.page.set_viewport_size({"width": 1280, "height": 800})
