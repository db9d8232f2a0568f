"""`tracker`: the embedded tracker as a program of its own."""

from __future__ import annotations

import argparse

from jupyter_webtorrent.cli.output import Output
from jupyter_webtorrent.cli.signals import stop_signals
from jupyter_webtorrent.engine import loop
from jupyter_webtorrent.tracker.server import EmbeddedTracker


def serve(options: argparse.Namespace, output: Output) -> int:
    """Print the tracker's URLs, then serve until SIGINT or SIGTERM."""
    return loop.run(_serve(options, output))


async def _serve(options: argparse.Namespace, output: Output) -> int:
    tracker = EmbeddedTracker()
    with stop_signals() as stopped:
        await tracker.start(options.listen.host, options.listen.port)
        try:
            output.tracker_urls([*tracker.urls, *tracker.http_urls])
            await stopped.wait()
        finally:
            await tracker.aclose()
    return 0
