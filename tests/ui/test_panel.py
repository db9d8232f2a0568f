"""The side panel of JupyterLab: the list, the details of a transfer, and what becomes of both in bad times."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import statistics
import unicodedata
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import CDPSession, Locator, Page, Route, WebSocketRoute, expect

from notebooks.demo.programs import running_tracker
from tests.hostile_names import HOSTILE_NAMES
from tests.ui.browser import chromium
from tests.ui.conftest import Classroom
from tests.ui.lab import Lab
from tests.ui.servers import PROJECT, lab_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = PROJECT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
FIXTURES = PROJECT / "labextension" / "tests" / "fixtures"
TABS = ("Overview", "Files", "Peers", "Trackers")
LARGE = 150_000_000


async def test_keys_alone_choose_a_transfer_and_what_is_done_to_it(teacher: Lab) -> None:
    for name in ("one.txt", "two.txt", "three.txt"):
        await _share(teacher, name, name.encode())
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
    await _remove_all(teacher)


async def test_a_command_shows_a_transfer_and_another_its_details(teacher: Lab) -> None:
    shared = await _share(teacher, "shown.txt", b"shown")
    await teacher.page.get_by_role("tab", name="File Browser").click()
    await _execute(teacher, "webtorrent:show", shared["info_hash"])
    await expect(teacher.row("shown.txt")).to_be_focused()
    await teacher.page.get_by_role("tab", name="File Browser").click()
    await _execute(teacher, "webtorrent:details", shared["info_hash"])
    await expect(teacher.panel.get_by_role("tab", name="Overview")).to_be_focused()
    await _tab(teacher, "Files")
    await teacher.panel.get_by_role("button", name="Open shown.txt").click()
    await expect(teacher.page.locator(".jp-FileEditor .cm-content")).to_have_text("shown")
    await _remove_all(teacher)


async def test_the_details_of_a_download_tell_how_it_goes(teacher: Lab, student: Lab) -> None:
    folder = teacher.root / "lecture"
    folder.mkdir()
    (folder / "video.mp4").write_bytes(bytes(LARGE))
    (folder / "notes.md").write_text("# Notes\n", "utf-8")
    shared = await _call(teacher, "POST", "share", {"paths": ["lecture"]})
    await _call(student, "POST", "fetch", {"link": shared["magnet"]})
    await student.row("lecture").click()
    details = student.panel.get_by_role("region", name="Details of lecture")
    await expect(student.row("lecture")).to_contain_text("Downloading")
    await expect(details.get_by_role("img", name="Pieces that are here")).to_be_visible()
    await expect(details.get_by_role("img", name=re.compile("receiving .*MB"))).to_be_visible()
    await student.photograph("panel-overview")

    await _tab(student, "Files")
    await expect(details.get_by_role("listitem").filter(has_text="video.mp4")).to_contain_text(
        "150 MB"
    )
    await student.photograph("panel-files")
    await _tab(student, "Peers")
    await expect(details.get_by_role("list", name="Peers").get_by_role("listitem")).to_contain_text(
        "WebRTC"
    )
    await student.photograph("panel-peers")
    await _tab(student, "Trackers")
    await expect(details.get_by_role("listitem")).to_contain_text("Working")
    await _tab(student, "Overview")
    await expect(student.row("lecture")).to_contain_text("Seeding")
    await expect(details).to_contain_text("150 MB WebRTC")
    await student.photograph("panel-overview-narrow", width=800)
    await _tab(student, "Files")
    await expect(details.get_by_role("button", name="Open notes.md")).to_be_visible()
    await _remove_all(student)
    await _remove_all(teacher)


async def test_what_is_only_read_is_fetched_into_a_folder_from_its_files(
    teacher: Lab, student: Lab
) -> None:
    shared = await _share(teacher, "read.txt", b"only read")
    await _call(student, "POST", "fetch", {"link": shared["magnet"], "on_demand": True})
    await expect(student.row("read.txt")).to_contain_text("Ready to read")
    await student.row("read.txt").click()
    await _tab(student, "Files")
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
    await _remove_all(student)
    await _remove_all(teacher)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
async def test_nothing_keeps_a_person_from_using_it_in(stage: Stage, theme: str) -> None:
    await stage.show(_in_every_state())
    await stage.lab.choose_theme(theme)
    for title in TABS:
        await stage.lab.row("penguins.csv").click()
        await _tab(stage.lab, title)
        await expect(stage.lab.panel.get_by_role("tabpanel", name=title)).not_to_contain_text(
            "Loading"
        )
        await stage.lab.photograph(f"panel-{title}-{theme}".lower())
        assert await _axe_violations(stage.lab.page) == [], title
    await stage.lab.photograph(f"panel-all-states-{theme}".lower(), width=800)


async def test_the_details_say_why_a_peer_could_not_be_reached(stage: Stage) -> None:
    await stage.show(_in_every_state())
    await stage.lab.row("penguins.csv").click()
    await _tab(stage.lab, "Peers")
    failures = stage.lab.panel.get_by_role("list", name="Peers that could not be reached")
    await expect(failures).to_contain_text("192.0.2.9:6881")
    await expect(failures).to_contain_text("nothing listens there")
    await expect(failures).to_contain_text("3 attempts · 13 s ago")


async def test_priorities_and_limits_are_changed_in_the_details(
    stage: Stage, classroom: Classroom
) -> None:
    await stage.show(_in_every_state())
    await stage.lab.row("penguins.csv").click()
    await stage.lab.panel.get_by_label("Download", exact=True).fill("250")
    await stage.lab.page.keyboard.press("Enter")
    await expect(stage.lab.panel.get_by_label("Download", exact=True)).to_have_value("250")
    await expect(stage.lab.panel.get_by_label("Download", exact=True)).to_be_focused()
    upload = stage.lab.panel.get_by_label("Upload", exact=True)
    await upload.fill("")
    await upload.blur()
    await _tab(stage.lab, "Files")
    await stage.lab.panel.get_by_label("Priority of penguins/old.zip").select_option("High")
    await expect(stage.lab.panel.get_by_label("Priority of penguins/old.zip")).to_have_value("high")
    assert stage.changes == [
        {"down_limit": 250_000},
        {"up_limit": None},
        {"priorities": {"3": "high"}},
    ]
    stage.refusal = "a limit is at least 1 kB/s"
    await _tab(stage.lab, "Overview")
    await stage.lab.panel.get_by_label("Upload", exact=True).fill("0.5")
    await stage.lab.panel.get_by_label("Upload", exact=True).fill("2")
    await stage.lab.page.keyboard.press("Enter")
    await expect(stage.lab.panel.get_by_role("alert")).to_have_text(stage.refusal)
    (complaint,) = classroom.watch.take()  # the browser's own
    assert "409" in complaint


async def test_details_are_asked_for_only_while_somebody_looks(stage: Stage) -> None:
    await stage.show(_in_every_state())
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
    transfers = _in_every_state()
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
    await stage.show(_thousand()[:20] + _in_every_state())
    dialog = stage.lab.page.get_by_role("dialog", name="Fetch with WebTorrent")
    await stage.lab.row("penguins.csv").click()
    for field in ("Link", "Filter by name"):
        await stage.lab.panel.get_by_label(field, exact=True).focus()
        await _paste(stage.lab.page, "magnet:?xt=urn:btih:" + "cd" * 20)
        await dialog.get_by_role("button", name=re.compile("Close|Cancel")).click()
        await expect(dialog).not_to_be_attached()
    limit = stage.lab.panel.get_by_label("Download", exact=True)
    await limit.focus()
    await _paste(stage.lab.page, "magnet:?xt=urn:btih:" + "cd" * 20)
    await expect(limit).to_be_focused()
    await expect(dialog).not_to_be_attached()


async def test_the_focus_is_on_the_list_when_its_details_go(teacher: Lab) -> None:
    for name in ("stays.txt", "goes.txt"):
        shared = await _share(teacher, name, name.encode())
    await teacher.row("goes.txt").click()
    await teacher.panel.get_by_role("tab", name="Overview").focus()
    await _call(teacher, "DELETE", f"torrents/{shared['info_hash']}")
    await expect(teacher.row("stays.txt")).to_be_focused()
    await _remove_all(teacher)


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
        await _open(lab, "expired")
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


async def test_a_thousand_transfers_are_smooth(stage: Stage) -> None:
    transfers = _thousand()
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


async def test_fifty_hostile_names_are_text_wherever_they_are_shown(teacher: Lab) -> None:
    folder = teacher.root / "hostile"
    folder.mkdir()
    for name in HOSTILE_NAMES:
        (folder / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    expected = {_displayed(name) for name in HOSTILE_NAMES}
    dialogs: list[str] = []
    teacher.page.on("dialog", lambda dialog: dialogs.append(dialog.message))

    await _call(teacher, "POST", "share", {"paths": ["hostile"]})
    await teacher.row("hostile").click()
    await _tab(teacher, "Files")
    shown = await _all_texts(teacher.panel.get_by_role("list", name="Files"), ".jp-wt-File-name")
    assert shown == expected
    await teacher.photograph("panel-hostile-files")

    await asyncio.gather(
        *(_call(teacher, "POST", "share", {"paths": [f"hostile/{name}"]}) for name in HOSTILE_NAMES)
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
    await _remove_all(teacher)


async def test_two_tabs_stay_current_and_outlast_a_server_that_went_away(tmp_path: Path) -> None:
    async with running_tracker(tmp_path / "tracker.log") as tracker, chromium() as browser:
        context = await browser.new_context()
        folder = tmp_path / "lab"
        async with AsyncExitStack() as first_run:
            server = await first_run.enter_async_context(lab_server("a", folder, tracker))
            tabs = [Lab("tab", server, await context.new_page()) for _ in range(2)]
            await asyncio.gather(*(_open(tab, f"tab-{n}") for n, tab in enumerate(tabs)))
            shared = await _share(tabs[0], "kept.txt", b"kept")
            for tab in tabs:
                await expect(tab.row("kept.txt")).to_contain_text("Seeding")
            await tabs[1].row("kept.txt").hover()
            await tabs[1].panel.get_by_role("button", name="Pause kept.txt").click()
            for tab in tabs:
                await expect(tab.row("kept.txt")).to_contain_text("Paused")
            await _call(tabs[0], "POST", f"torrents/{shared['info_hash']}/resume")
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
            await _call(tabs[0], "POST", f"torrents/{shared['info_hash']}/pause")
            for tab in tabs:
                await expect(tab.row("kept.txt")).to_contain_text("Paused")
            await expect(tabs[0].panel.get_by_role("tabpanel")).to_contain_text("Paused")
            await tabs[0].photograph("server-back")
        await context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(classroom: Classroom) -> AsyncIterator[Stage]:
    """One page for all tests that have no need of a real transfer."""
    lab = classroom.teacher
    page = await lab.page.context.new_page()
    try:
        classroom.watch.over(page)
        stage = Stage(Lab("staged", lab.server, page))
        await stage.open()
        yield stage
    finally:
        await page.close()


class Stage:
    """A page of a real JupyterLab whose transfers are what the test says."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.asked = 0
        self.changes: list[Any] = []
        self.refusal = ""
        self._details: dict[str, Any] = {}
        self._shown: set[str] = set()
        self._sockets: list[WebSocketRoute] = []
        self._connected = asyncio.Event()
        self._question = asyncio.Event()

    async def open(self) -> None:
        await self.lab.page.route_web_socket(re.compile("webtorrent/api/events"), self._connect)
        await self.lab.page.route(
            re.compile("webtorrent/api/torrents/[0-9a-f]{40}(\\?|$)"), self._answer
        )
        await _open(self.lab, "staged")
        await self._connected.wait()

    async def show(self, transfers: list[dict[str, Any]]) -> None:
        """These and no others, with none selected and nothing changed yet."""
        self._details = json.loads((FIXTURES / "details.json").read_text("utf-8"))
        self.changes, self.refusal = [], ""
        self._send([], sorted(self._shown))
        self.update(transfers)
        await expect(self.lab.panel.get_by_role("tablist")).not_to_be_attached()

    def update(self, transfers: list[dict[str, Any]]) -> None:
        self._shown = {transfer["info_hash"] for transfer in transfers}
        self._send(transfers, [])

    def _send(self, transfers: list[dict[str, Any]], removed: list[str]) -> None:
        event = {"transfers": transfers, "removed": removed, "down_rate": 0, "up_rate": 0}
        self._sockets[-1].send(json.dumps(event))

    async def asked_more(self) -> None:
        """Wait until details are asked for twice more."""
        for _ in range(2):
            self._question.clear()
            async with asyncio.timeout(10):
                await self._question.wait()

    async def asked_nothing_for(self, seconds: float) -> None:
        """Fail if details are asked for, but for a question that is on its way."""
        asked = self.asked
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.asked <= asked + 1:
                    self._question.clear()
                    await self._question.wait()
        assert self.asked <= asked + 1

    def _connect(self, socket: WebSocketRoute) -> None:
        self._sockets.append(socket)
        self._connected.set()

    async def _answer(self, route: Route) -> None:
        if route.request.method != "PATCH":
            self.asked += 1
            self._question.set()
        elif self.refusal:
            await route.fulfill(status=409, json={"message": self.refusal})
            return
        else:
            self._change(route.request.post_data_json)
        await route.fulfill(json=self._details)

    def _change(self, change: Any) -> None:
        self.changes.append(change)
        for index, priority in change.get("priorities", {}).items():
            for file in self._details["files"]:
                if file["index"] == int(index):
                    file["priority"] = priority
        self._details.update({key: change[key] for key in change if key.endswith("_limit")})


async def _open(lab: Lab, workspace: str) -> None:
    """JupyterLab with the panel in view and nothing else."""
    await lab.page.goto(
        f"{lab.server.url}lab/workspaces/{workspace}?reset&token={lab.server.token}"
    )
    await expect(lab.page.get_by_role("tab", name="Transfers")).to_be_visible(timeout=40_000)
    await lab.open_panel()


async def _call(lab: Lab, method: str, path: str, body: Any = None) -> Any:
    """Ask the REST API as this page may."""
    status, answer = await lab.page.evaluate(
        """async ([method, path, body]) => {
            const { baseUrl, token } = jupyterapp.serviceManager.serverSettings;
            const headers = { Authorization: `token ${token}` };
            const request = { method, headers, body: body && JSON.stringify(body) };
            const response = await fetch(`${baseUrl}webtorrent/api/${path}`, request);
            return [response.status, await response.text()];
        }""",
        [method, path, body],
    )
    assert 200 <= status < 300, f"{method} {path} was answered with {status}: {answer}"
    return json.loads(answer) if answer else None


async def _share(lab: Lab, name: str, content: bytes) -> Any:
    (lab.root / name).write_bytes(content)
    shared = await _call(lab, "POST", "share", {"paths": [name]})
    await expect(lab.row(name)).to_contain_text("Seeding")
    return shared


async def _remove_all(lab: Lab) -> None:
    transfers = await _call(lab, "GET", "torrents")
    await asyncio.gather(
        *(_call(lab, "DELETE", f"torrents/{transfer['info_hash']}") for transfer in transfers)
    )
    await expect(lab.panel.get_by_role("row")).to_have_count(0)


async def _execute(lab: Lab, command: str, info_hash: str) -> None:
    await lab.page.evaluate(
        "([command, infoHash]) => jupyterapp.commands.execute(command, { infoHash })",
        [command, info_hash],
    )


async def _paste(page: Page, text: str) -> None:
    """Paste onto what has the focus."""
    await page.evaluate(
        """text => {
            const clipboardData = new DataTransfer();
            clipboardData.setData('text/plain', text);
            const event = new ClipboardEvent('paste', { clipboardData, bubbles: true });
            document.activeElement.dispatchEvent(event);
        }""",
        text,
    )


async def _tab(lab: Lab, title: str) -> None:
    await lab.panel.get_by_role("tab", name=title).click()


async def _axe_violations(page: Page) -> list[str]:
    """What axe finds wrong with the panel."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("axe.run('.jp-wt-Panel').then(({ violations }) => violations)")
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]


async def _busy_seconds(session: CDPSession) -> float:
    """How long a page has worked since the session began to measure: scripts, styles and layout."""
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    return sum(
        float(metric["value"])
        for metric in metrics
        if metric["name"] in ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
    )


def _in_every_state() -> list[dict[str, Any]]:
    transfers: list[dict[str, Any]] = json.loads((FIXTURES / "torrents.json").read_text("utf-8"))
    return transfers


def _thousand() -> list[dict[str, Any]]:
    transfers = _in_every_state()
    model = next(each for each in transfers if each["state"] == "downloading")
    return [
        {**model, "info_hash": f"{number:040x}", "name": f"data-{number}.bin"}
        for number in range(1000)
    ]


def _moved(transfer: dict[str, Any], turn: int, name: str) -> dict[str, Any]:
    """The transfer a second later, the newest of them with another name."""
    newest = transfer["info_hash"] == f"{999:040x}"
    return {
        **transfer,
        "name": name if newest or turn == 0 else transfer["name"],
        "done": transfer["done"] + turn * 100_000,
        "down_rate": 100_000 + turn,
    }


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
