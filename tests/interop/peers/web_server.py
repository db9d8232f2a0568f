"""A web server for a folder, with ranges: `python -m tests.interop.peers.web_server HOST FOLDER`."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from tests.interop.peers.options import say


async def main(host: str, folder: str) -> None:
    """Serve until killed; says `listening` with the URL."""
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    port = runner.addresses[0][1]
    say("listening", url=f"http://{host}:{port}/")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
