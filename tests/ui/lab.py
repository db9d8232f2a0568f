"""JupyterLab in a page, by what a person does there: run cells, look at the panel, choose a theme."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from tests.ui.servers import PROJECT, LabServer

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
            idle = self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
            await expect(idle).to_be_visible(timeout=START_MILLISECONDS)
            return
        status = self.page.locator("#jp-main-statusbar")
        await expect(status).to_contain_text("| Idle", timeout=START_MILLISECONDS)

    async def open_panel(self) -> None:
        await self.page.get_by_role("tab", name="Transfers").click()
        await expect(self.panel).to_be_visible()

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

    async def ask(self, what: str) -> None:
        """Post to the REST API's `torrents/`, as this page may."""
        status = await self.page.evaluate(
            """async what => {
                const { baseUrl, token } = jupyterapp.serviceManager.serverSettings;
                const headers = { Authorization: `token ${token}` };
                const url = `${baseUrl}webtorrent/api/torrents/${what}`;
                return (await fetch(url, { method: 'POST', headers })).status;
            }""",
            what,
        )
        assert 200 <= status < 300, f"{what} was answered with {status}"

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
