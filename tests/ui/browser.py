"""Headless Chromium that reaches 127.0.0.1 alone, and a record of what each page complained of or asked for."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Error, Page, async_playwright

from tests.chromium import FLAGS

_NOTEBOOK_7862 = re.compile(r"reading 'schema'\)\s+at \S+/notebook_core\.")
"""A race of Notebook's own shortcuts as it starts: https://github.com/jupyter/notebook/issues/7862."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        raise FileNotFoundError("there is no chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


class Watch:
    """Listens to pages, and keeps what a clean one has none of."""

    def __init__(self) -> None:
        self._troubles: list[str] = []

    def over(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", self._not_caught)
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))

    def take(self) -> list[str]:
        """What was heard since the last time."""
        troubles, self._troubles = self._troubles, []
        return troubles

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._troubles.append(f"{message.text} ({message.location['url']})")

    def _not_caught(self, error: Error) -> None:
        if not _NOTEBOOK_7862.search(error.stack or ""):
            self._troubles.append(f"not caught: {error.stack}")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        # The last two are the browser's own PDF viewer.
        if (
            parts.scheme not in ("blob", "data", "chrome", "chrome-extension")
            and parts.hostname != "127.0.0.1"
        ):
            self._troubles.append(f"asked for {url}")
