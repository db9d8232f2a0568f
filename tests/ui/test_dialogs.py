"""The share and fetch dialogs: what is chosen, what is refused, and what becomes of it when they are closed."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.ui.browser import Watch
from tests.ui.file_browser import go_to, share_folder
from tests.ui.lab import Lab

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE = "<img src=x onerror=alert(1)>.csv"


async def test_with_nothing_selected_the_open_document_is_offered_and_never_the_whole_folder(
    student: Lab,
) -> None:
    (student.root / "none").mkdir()
    await go_to(student, "none")
    await student.panel.get_by_role("button", name="Share…").click()
    dialog = student.dialog("Share with WebTorrent")
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
    await go_to(student, "")


async def test_a_goal_that_is_no_goal_is_shown_even_if_its_options_are_closed(
    student: Lab,
) -> None:
    await _open_share_dialog(student, "lesson.ipynb")
    dialog = student.dialog("Share with WebTorrent")
    await dialog.get_by_text("Options").click()
    hours = dialog.get_by_label("Pause after (hours)")
    await hours.fill("-1")
    await dialog.get_by_text("Options").click()
    await expect(hours).not_to_be_visible()
    await dialog.get_by_role("button", name="Share").click()
    await expect(hours).to_be_focused()
    await student.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()


async def test_a_dialog_keeps_its_keys_although_the_focus_is_lost(student: Lab) -> None:
    await student.page.evaluate("void jupyterapp.commands.execute('webtorrent:fetch')")
    dialog = student.dialog("Fetch with WebTorrent")
    link, cancel = dialog.get_by_label("Link"), dialog.get_by_role("button", name="Cancel")
    await expect(link).to_be_focused()
    # JupyterLab's dialog chooses the focus once more when the page has nothing else to do.
    await student.page.evaluate("new Promise(done => requestIdleCallback(() => setTimeout(done)))")
    await student.page.keyboard.press("Shift+Tab")
    await expect(cancel).to_be_focused()
    await student.page.keyboard.press("Tab")
    await expect(link).to_be_focused()
    for key, expected in (("Tab", link), ("Shift+Tab", cancel)):
        await student.page.evaluate("document.activeElement.blur()")
        await student.page.keyboard.press(key)
        await expect(expected).to_be_focused()
        await dialog.get_by_text("Fetch with WebTorrent").click()
        await student.page.keyboard.press(key)
        await expect(expected).to_be_focused()
    await student.page.evaluate("document.activeElement.blur()")
    await student.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()


async def test_a_notebook_that_is_open_is_shared_as_it_was(teacher: Lab, student: Lab) -> None:
    before = (teacher.root / "lesson.ipynb").read_bytes()
    await _open_share_dialog(teacher, "lesson.ipynb")
    dialog = teacher.dialog("Share with WebTorrent")
    await expect(dialog).to_contain_text("Notebooks are shared as copies")
    await dialog.get_by_role("button", name="Share").click()
    field = dialog.get_by_label("Magnet link")
    await expect(field).to_have_value(re.compile("^magnet:"))
    link = await field.input_value()
    await dialog.get_by_role("button", name="Done").click()
    await teacher.run_cell("'written after it was shared'")
    await teacher.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    assert b"written after" in (teacher.root / "lesson.ipynb").read_bytes()
    await student.ask("POST", "fetch", {"link": link, "folder": "of the teacher"})
    await expect(student.notification("lesson.ipynb is complete.")).to_be_visible()
    assert (student.root / "of the teacher" / "lesson.ipynb").read_bytes() == before
    await expect(teacher.row("lesson.ipynb")).to_contain_text("Seeding")


async def test_what_becomes_of_a_share_is_told_although_its_dialog_is_closed(
    watch: Watch, student: Lab
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
        dialog = student.dialog("Share with WebTorrent")
        await dialog.get_by_role("button", name="Share").click()
        await expect(dialog).to_contain_text("You may close this")
        await dialog.get_by_role("button", name="Close").click()
        await expect(dialog).not_to_be_attached()
        closed.set()
        await expect(student.notification(text)).to_be_visible()
    await student.photograph("notification-shared")
    await student.page.unroute_all()
    (refused,) = watch.take()
    assert "409" in refused


async def test_a_pasted_link_of_a_folder_lets_files_be_chosen(teacher: Lab, student: Lab) -> None:
    link = await share_folder(teacher, "folder", {"a.csv": 3_000, "b.csv": 5_000, HOSTILE: 7_000})
    await student.open_panel()
    await _paste(student, f"Dear students, fetch this: {link}\n")
    dialog = student.dialog("Fetch with WebTorrent")
    files = dialog.get_by_role("group", name="Files")
    await expect(files).to_contain_text(HOSTILE)
    await expect(files).to_contain_text("3 of 3, 15.0 kB")
    await dialog.get_by_role("button", name="None").click()
    await expect(dialog.get_by_role("button", name="Fetch")).to_be_disabled()
    await dialog.get_by_role("checkbox", name="b.csv").check()
    await expect(files).to_contain_text("1 of 3, 5.0 kB")
    assert await student.axe_violations(".jp-wt-Dialog") == []
    await student.photograph_in_both_themes("fetch-dialog")
    await dialog.get_by_role("button", name="Fetch").click()
    told = student.notification("folder is complete.")
    await expect(told.get_by_role("button", name="Show")).to_be_visible()
    await expect(told.get_by_role("button", name="Open File")).to_have_count(0)
    assert [path.name for path in (student.root / "folder").iterdir()] == ["b.csv"]


async def test_a_look_that_is_cancelled_leaves_nothing_behind(student: Lab) -> None:
    before = _hashes(await student.ask("GET", "torrents"))
    await _paste(student, "magnet:?xt=urn:btih:" + "ab" * 20)
    dialog = student.dialog("Fetch with WebTorrent")
    await expect(dialog).to_contain_text("Looking for somebody who has it")
    await expect(dialog).to_contain_text("Nobody has answered yet.", timeout=30_000)
    await student.photograph("fetch-dialog-nobody")
    await student.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()
    await student.ask_until("torrents", lambda torrents: _hashes(torrents) == before)


async def test_a_mistake_is_one_line_in_the_dialog_that_the_launcher_opens_and_may_be_mended(
    watch: Watch, teacher: Lab, student: Lab
) -> None:
    await student.page.evaluate("void jupyterapp.commands.execute('launcher:create')")
    card = student.page.get_by_text("Fetch a Shared Dataset", exact=True)
    await card.scroll_into_view_if_needed()
    await student.photograph("launcher")
    await card.click()
    dialog = student.dialog("Fetch with WebTorrent")
    await expect(dialog.get_by_label("Link")).to_be_focused()
    await student.page.keyboard.type("nonsense")
    await student.page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("not 'nonsense'")
    await expect(dialog.get_by_label("Link")).to_have_value("nonsense")
    assert await student.axe_violations(".jp-wt-Dialog") == []
    await student.photograph("fetch-dialog-mistake", width=800)
    (teacher.root / "good.csv").write_bytes(b"a,b\n" * 20_000)
    good = await teacher.ask("POST", "share", {"paths": ["good.csv"]})
    await dialog.get_by_label("Link").fill(good["magnet"])
    await student.page.keyboard.press("Enter")
    await expect(dialog.get_by_role("heading", level=3)).to_contain_text("good.csv")
    await student.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()
    (refused,) = watch.take()
    assert "400" in refused


async def test_a_preview_and_the_panel_bear_that_a_transfer_is_removed_elsewhere(
    watch: Watch, student: Lab
) -> None:
    (student.root / "seen.csv").write_bytes(b"a,b\n1,2\n")
    shared = await student.ask("POST", "share", {"paths": ["seen.csv"]})
    info_hash = shared["info_hash"]
    await student.open_panel()
    await expect(student.row("seen.csv")).to_be_visible()
    for command in ("webtorrent:copy-link", "webtorrent:open-file", "webtorrent:remove"):
        await student.page.evaluate(
            "([command, infoHash]) => void jupyterapp.commands.execute(command, { infoHash })",
            [command, info_hash],
        )
    await expect(student.notification("The link is in the clipboard.")).to_be_visible()
    preview = student.page.locator(".jp-wt-Preview:visible")
    await expect(preview.get_by_role("link", name="Download")).to_be_visible()
    dialog = student.dialog("Remove this transfer?")
    await expect(dialog).to_be_visible()
    await student.ask("DELETE", f"torrents/{info_hash}")
    await expect(preview).to_contain_text("The transfer was removed.")
    await expect(preview.get_by_role("link", name="Download")).to_have_count(0)
    async with student.page.expect_console_message(lambda line: line.type == "error"):
        await dialog.get_by_role("button", name="Remove").click()
    await expect(dialog).not_to_be_attached()
    (missing,) = watch.take()  # the browser's own
    assert "404" in missing
    await expect(student.notification(info_hash)).to_have_count(0)


async def _open_share_dialog(lab: Lab, path: str) -> None:
    await lab.page.evaluate(
        "path => void jupyterapp.commands.execute('webtorrent:share', { paths: [path] })", path
    )


async def _paste(lab: Lab, text: str) -> None:
    """Paste onto the panel, as a person does who has clicked on it."""
    await lab.open_panel()
    await lab.panel.get_by_role("heading").first.click()
    await lab.paste(text)


def _hashes(torrents: list[dict[str, Any]]) -> set[str]:
    return {torrent["info_hash"] for torrent in torrents}
