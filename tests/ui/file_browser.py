"""What a person does in JupyterLab's file browser."""

from __future__ import annotations

import random
import re

from playwright.async_api import Locator, expect

from tests.ui.lab import Lab


async def open_file_browser(lab: Lab) -> None:
    if not await lab.page.locator("#filebrowser").is_visible():
        await lab.page.get_by_role("tab", name=re.compile("^File Browser")).click()
    await lab.page.evaluate("jupyterapp.commands.execute('filebrowser:refresh')")


async def go_to(lab: Lab, folder: str) -> None:
    """Show a folder in the file browser, with nothing in it selected."""
    await lab.page.evaluate(
        """path => jupyterapp.commands.execute(
            'filebrowser:go-to-path', { path: `/${path}`, dontShowBrowser: true }
        )""",
        folder,
    )


def item(lab: Lab, name: str) -> Locator:
    named = lab.page.get_by_text(name, exact=True)
    return lab.page.locator(".jp-DirListing-item").filter(has=named)


async def share_folder(lab: Lab, folder: str, files: dict[str, int]) -> str:
    """Share a folder through the file browser's menu; its link."""
    (lab.root / folder).mkdir()
    for name, size in files.items():
        (lab.root / folder / name).write_bytes(random.Random(name).randbytes(size))
    await open_file_browser(lab)
    await item(lab, folder).click(button="right")
    await lab.page.get_by_role("menuitem", name="Share with WebTorrent").click()
    dialog = lab.dialog("Share with WebTorrent")
    await expect(dialog).to_contain_text("Notebooks are shared as copies")
    await dialog.get_by_role("button", name="Share").click()
    link = dialog.get_by_label("Magnet link")
    await expect(link).to_have_value(re.compile("^magnet:"))
    magnet = await link.input_value()
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).not_to_be_attached()
    return magnet
