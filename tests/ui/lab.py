"""JupyterLab in a page, by what a person does there: run cells, look at the panel, choose a theme."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.ui.servers import PROJECT, LabServer

AXE = PROJECT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = PROJECT / "screenshots"
"""For people to look at; git ignores it."""

START_MILLISECONDS = 40_000
"""What JupyterLab and a kernel may take to start on a busy machine."""
CELL_MILLISECONDS = 60_000
_RAN = re.compile(r"\[\d+\]:")


@dataclass(frozen=True, slots=True)
class Lab:
    """A person's JupyterLab with one notebook open."""

    person: str
    server: LabServer
    page: Page

    @property
    def root(self) -> Path:
        return self.server.root

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("region", name="Transfers")

    def dialog(self, title: str) -> Locator:
        return self.page.get_by_role("dialog", name=title)

    def notification(self, text: str) -> Locator:
        return self.page.get_by_role("alert").filter(has_text=text)

    def row(self, name: str) -> Locator:
        """The transfer of that name in the panel."""
        rows = self.panel.get_by_role("row")
        return rows.filter(has=self.page.get_by_text(name, exact=True))

    def progress(self, name: str) -> Locator:
        return self.row(name).get_by_role("progressbar")

    async def open(self, notebook: str) -> None:
        """Open a notebook of the root folder, and wait for its kernel."""
        await self.page.goto(self.server.notebook_url(notebook))
        if self.server.app == "notebook":  # has no status bar
            await self.page.wait_for_function(
                "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
                timeout=START_MILLISECONDS,
            )
            return
        status = self.page.locator("#jp-main-statusbar")
        await expect(status).to_contain_text("| Idle", timeout=START_MILLISECONDS)

    async def open_workspace(self, workspace: str) -> None:
        """Open JupyterLab with the panel in view and nothing else."""
        url = f"{self.server.url}lab/workspaces/{workspace}?reset&token={self.server.token}"
        await self.page.goto(url)
        tab = self.page.get_by_role("tab", name="Transfers")
        await expect(tab).to_be_visible(timeout=START_MILLISECONDS)
        await self.open_panel()

    async def open_panel(self) -> None:
        """Have the panel in view, where it is not."""
        if not await self.panel.is_visible():
            await self.page.get_by_role("tab", name="Transfers").click()
            await expect(self.panel).to_be_visible()

    async def open_tab(self, title: str) -> None:
        """Show a part of the details in the panel."""
        await self.panel.get_by_role("tab", name=title).click()

    async def start_cell(self, source: str) -> Locator:
        """Type a cell at the notebook's end and run it; the cell."""
        cells = self.page.locator(".jp-Notebook .jp-CodeCell")
        count = await cells.count()
        cell = cells.nth(count - 1)
        await cell.locator(".cm-content").click()
        await self.page.keyboard.insert_text(source)
        await self.page.keyboard.press("Shift+Enter")
        await expect(cells).to_have_count(count + 1)
        return cell

    async def run_cell(self, source: str) -> Locator:
        """The same, and wait until it has run; its outputs."""
        return await self.finish(await self.start_cell(source))

    async def finish(self, cell: Locator) -> Locator:
        """Wait until a cell has run; its outputs."""
        number = cell.locator(".jp-InputArea-prompt")
        await expect(number).to_have_text(_RAN, timeout=CELL_MILLISECONDS)
        return cell.locator(".jp-OutputArea-output")

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """What the REST API answers to this page."""
        status, answer = await self.page.evaluate(
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

    async def ask_until(self, path: str, test: Callable[[Any], bool]) -> None:
        """Ask the REST API until its answer passes."""
        async with asyncio.timeout(20):
            while not test(await self.ask("GET", path)):  # noqa: ASYNC110 - the server tells of no change
                await asyncio.sleep(0.1)

    async def share(self, name: str, content: bytes) -> Any:
        """Write a file and share it; what the API answers."""
        (self.root / name).write_bytes(content)
        shared = await self.ask("POST", "share", {"paths": [name]})
        await expect(self.row(name)).to_contain_text("Seeding")
        return shared

    @asynccontextmanager
    async def sending_at_most(self, bytes_a_second: int) -> AsyncIterator[None]:
        """Have what is fetched from here take long enough to be watched."""
        await self.ask("PUT", "settings", {"up_limit": bytes_a_second, "limit_lan": True})
        try:
            yield
        finally:
            await self.ask("PUT", "settings", {"up_limit": None, "limit_lan": None})

    async def remove_all(self) -> None:
        transfers = await self.ask("GET", "torrents")
        await asyncio.gather(
            *(self.ask("DELETE", f"torrents/{transfer['info_hash']}") for transfer in transfers)
        )
        await expect(self.panel.get_by_role("row")).to_have_count(0)

    async def paste(self, text: str) -> None:
        """Paste onto what has the focus."""
        await self.page.evaluate(
            """text => {
                const clipboardData = new DataTransfer();
                clipboardData.setData('text/plain', text);
                const event = new ClipboardEvent('paste', { clipboardData, bubbles: true });
                document.activeElement.dispatchEvent(event);
            }""",
            text,
        )

    async def choose_theme(self, theme: str) -> None:
        """`Light` or `Dark`."""
        await self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })",
            f"JupyterLab {theme}",
        )
        light = "true" if theme == "Light" else "false"
        await expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)
        # JupyterLab takes the splash away later, and stumbles if the next one is there by then.
        await expect(self.page.locator("#jupyterlab-splash")).not_to_be_attached()

    async def photograph(self, moment: str, *, width: int = 1280) -> None:
        """Leave a picture of the whole window in `SCREENSHOTS`."""
        await self.page.set_viewport_size({"width": width, "height": 800})
        await self.page.screenshot(path=SCREENSHOTS / f"{self.person}-{moment}.png")

    async def axe_violations(self, selector: str) -> list[str]:
        """What axe finds wrong with a part of the page."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text("utf-8"))
        found = await self.page.evaluate(
            "selector => axe.run(selector).then(({ violations }) => violations)", selector
        )
        return [
            f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
            for violation in found
            for node in violation["nodes"]
        ]

    async def photograph_in_both_themes(self, moment: str) -> None:
        await self.photograph(moment)
        await self.choose_theme("Dark")
        await self.photograph(f"{moment}-dark", width=800)
        await self.choose_theme("Light")
        await self.page.set_viewport_size({"width": 1280, "height": 800})
