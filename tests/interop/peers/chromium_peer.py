"""webtorrent.js in headless Chromium as a peer: `python -m tests.interop.peers.chromium_peer share|fetch …`.

Serves the page, the library and the files to the browser, and takes what it fetched back onto the disk.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from playwright.async_api import Page, async_playwright

from tests.chromium import FLAGS
from tests.interop.peers.node_modules import node_modules
from tests.interop.peers.options import parse_options, say

PAGE = Path(__file__).with_suffix(".html")

LIBRARIES = {
    "webtorrent": "webtorrent/dist/webtorrent.min.js",
    "webtorrent-1": "webtorrent-1/webtorrent.min.js",
}

# There is no multicast in a network namespace to resolve such names with.
REAL_ADDRESSES = "--disable-features=WebRtcHideLocalIpsWithMdns"


class Site:
    """What the page asks this process for."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._files = _files(options.path) if options.verb == "share" else []

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Listen on loopback, which browsers trust like https; yield the page's URL."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_get("/", self._page)
        app.router.add_get("/webtorrent.min.js", self._library)
        app.router.add_get("/job", self._job)
        app.router.add_get("/source/{index}", self._source)
        app.router.add_put("/result", self._result)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, port = runner.addresses[0]
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            await runner.cleanup()

    async def _page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE)

    async def _library(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(node_modules() / LIBRARIES[self._options.package])

    async def _job(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "verb": self._options.verb,
                "link": getattr(self._options, "link", None),
                "files": [path for path, _ in self._files],
                "trackers": self._options.tracker,
            }
        )

    async def _source(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(self._files[int(request.match_info["index"])][1])

    async def _result(self, request: web.Request) -> web.Response:
        target = self._options.folder / request.query["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(await request.read())
        return web.Response(status=204)


def _files(path: Path) -> list[tuple[str, Path]]:
    """Each file's path in the torrent, its top folder included, and on the disk."""
    if path.is_file():
        return [(path.name, path)]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return [(file.relative_to(path.parent).as_posix(), file) for file in files]


@asynccontextmanager
async def _chromium() -> AsyncIterator[Page]:
    executable = shutil.which("chromium")
    if executable is None:
        raise FileNotFoundError("there is no chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=[*FLAGS, REAL_ADDRESSES]
        )
        try:
            yield await browser.new_page()
        finally:
            await browser.close()


async def main(options: Namespace) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    def hear(event: str, fields: dict[str, object] | None = None) -> None:
        if event == "complete" and fields is not None:
            fields = {"paths": [str(options.folder / str(fields["top"]))], "bytes": fields["bytes"]}
        say(event, **(fields or {}))
        if event in ("complete", "error"):
            ended.set()

    async with Site(options).serve() as url, _chromium() as page:
        page.on("console", lambda message: print(message.text, file=sys.stderr))
        page.on("pageerror", lambda error: hear("error", {"message": str(error)}))
        await page.expose_function("say", hear)
        await page.goto(url)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(parse_options("webtorrent.js in Chromium as a peer")))
