"""`create` and `info`: .torrent files and links, without a transfer."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from jupyter_webtorrent.cli.output import Output
from jupyter_webtorrent.engine import links
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.offload import InlineOffload
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.protocol.metainfo import Info, Metainfo
from jupyter_webtorrent.storage.create import create_info


def create(options: argparse.Namespace, output: Output) -> int:
    """Hash a path and write its .torrent file."""
    trackers = links.checked_trackers(options.tracker or ())
    web_seeds = links.checked_web_seeds(options.web_seed)
    created = create_info([options.path], private=options.private)
    metainfo = write_torrent_file(created.info, trackers, web_seeds, options.output)
    output.facts({**_facts(links.source_of(metainfo)), "torrent file": str(options.output)})
    return 0


def write_torrent_file(
    info: Info, trackers: tuple[str, ...], web_seeds: tuple[str, ...], path: Path
) -> Metainfo:
    """Write a .torrent file, each tracker a tier of its own; raises EngineError."""
    metainfo = Metainfo(info, tuple((url,) for url in trackers), web_seeds)
    try:
        path.write_bytes(metainfo.to_bytes())
    except OSError as error:
        raise EngineError(f"cannot write {path}: {error.strerror}") from error
    return metainfo


def info(options: argparse.Namespace, output: Output) -> int:
    """Show what a link says; nothing is fetched but a .torrent file that is named by its URL."""
    output.facts(_facts(asyncio.run(_resolve(options.link))))
    return 0


async def _resolve(link: str) -> links.Source:
    http = GuardedClient()
    try:
        return await links.resolve(link, InlineOffload(), http)
    finally:
        await http.aclose()


def _facts(source: links.Source) -> dict[str, object]:
    link, info = source.link, source.info
    facts: dict[str, object] = {
        "info hash": str(link.info_hash),
        "name": link.name or "",
        "magnet": str(link),
        "trackers": list(link.trackers),
        "web seeds": list(link.web_seeds),
        "peers": [str(peer) for peer in link.peers],
    }
    if info is not None:
        facts |= {
            "bytes": info.total,
            "pieces": info.piece_count,
            "piece length": info.piece_length,
            "private": info.private,
            "files": [f"{'/'.join(file.path)} ({file.length:,} bytes)" for file in info.files],
        }
    return facts
