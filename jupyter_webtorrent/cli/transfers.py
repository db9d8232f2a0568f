"""`share` and `fetch`: a session of their own that keeps no state but the download."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from jupyter_webtorrent.cli.output import Output
from jupyter_webtorrent.cli.signals import stop_signals
from jupyter_webtorrent.cli.torrents import write_torrent_file
from jupyter_webtorrent.engine import loop
from jupyter_webtorrent.engine.config import (
    DEFAULT_DHT_NODES,
    DEFAULT_STUN_SERVERS,
    EngineConfig,
)
from jupyter_webtorrent.engine.errors import EngineError, FetchFailedError
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest

T = TypeVar("T")

PROGRESS_SECONDS = 1.0
INTERRUPTED = 130


def share(options: argparse.Namespace, output: Output) -> int:
    """Print the link, then seed until SIGINT or SIGTERM."""
    return loop.run(_share(options, output))


def fetch(options: argparse.Namespace, output: Output) -> int:
    """Fetch, and print where it went once every wanted byte is verified and in place."""
    return loop.run(_fetch(options, output))


async def _share(options: argparse.Namespace, output: Output) -> int:
    trackers = [] if options.no_tracker else options.tracker
    request = ShareRequest(
        paths=[str(path) for path in options.paths],
        name=options.name,
        trackers=trackers,
        peers=[str(peer) for peer in options.peer],
        private=options.private,
        seed_ratio=options.seed_ratio,
        seed_seconds=options.seed_time,
        web_seeds=options.web_seed,
    )
    async with Session(_config(options)) as session:
        with stop_signals() as stopped:
            torrent = await _unless_stopped(session.share(request), stopped)
            if torrent is None:
                return INTERRUPTED
            if options.torrent_file is not None:
                assert torrent.info is not None
                await asyncio.to_thread(
                    write_torrent_file,
                    torrent.info,
                    torrent.peering.trackers,
                    torrent.link.web_seeds,
                    options.torrent_file,
                )
            output.listening(_listening(session))
            if options.port_mapping:  # the link is to name what comes of it
                await _unless_stopped(session.port_mapping_known(), stopped)
                output.port_mapping(session.status().port_mapping)
            output.magnet(str(session.magnet(torrent)))
            await _seed(session, torrent, stopped, output)
    return 0


async def _fetch(options: argparse.Namespace, output: Output) -> int:
    request = FetchRequest(
        link=options.link,
        folder=str(options.directory),
        trackers=[] if options.no_tracker else options.tracker,
        peers=[str(peer) for peer in options.peer],
        select=options.select,
        seed_ratio=options.seed_ratio,
        seed_seconds=options.seed_time,
        web_seeds=options.web_seed,
        sequential=options.sequential,
    )
    async with Session(_config(options)) as session:
        with stop_signals() as stopped:
            torrent: Torrent | None = None
            try:
                async with asyncio.timeout(options.timeout):
                    torrent = await _unless_stopped(session.fetch(request), stopped)
                    if torrent is None:
                        return INTERRUPTED
                    output.listening(_listening(session))
                    paths = await _fetched(session, torrent, stopped, output)
            except FetchFailedError:
                _say_failures(session, torrent, output)
                raise
            except TimeoutError:
                _say_failures(session, torrent, output)
                why = session.transfer(torrent).notice if torrent is not None else ""
                late = f"not complete after {options.timeout:g} s"
                raise FetchFailedError(f"{late}: {why}" if why else late) from None
            if paths is None:
                output.error("interrupted: what has arrived stays, fetch again to go on")
                return INTERRUPTED
            output.complete(session.transfer(torrent))
            if options.seed:
                await _seed(session, torrent, stopped, output)
    return 0


def _say_failures(session: Session, torrent: Torrent | None, output: Output) -> None:
    if torrent is not None and (failures := session.details(torrent).failures):
        output.failures(failures)


async def _fetched(
    session: Session, torrent: Torrent, stopped: asyncio.Event, output: Output
) -> tuple[Path, ...] | None:
    """Report until the fetch is complete; None if a signal came first."""
    reporting = asyncio.create_task(_report(session, torrent, output))
    try:
        return await _unless_stopped(torrent.arrival.wait(), stopped)
    finally:
        reporting.cancel()
        output.close()


async def _seed(session: Session, torrent: Torrent, stopped: asyncio.Event, output: Output) -> None:
    """Report until a signal comes or the goal is reached; raises EngineError if it can no longer be read."""
    reporting = asyncio.create_task(_report(session, torrent, output))
    stopping = asyncio.create_task(stopped.wait())
    resting = asyncio.create_task(torrent.switch.until_resting())
    try:
        await asyncio.wait(
            [stopping, resting, session.task(torrent)], return_when=asyncio.FIRST_COMPLETED
        )
        output.progress(session.transfer(torrent))
    finally:
        for task in (reporting, stopping, resting):
            task.cancel()
        output.close()
    if not stopped.is_set() and not torrent.goal.is_met:
        raise EngineError(torrent.error or "the share ended")


async def _report(session: Session, torrent: Torrent, output: Output) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        output.progress(session.transfer(torrent))


async def _unless_stopped(work: Coroutine[Any, Any, T], stopped: asyncio.Event) -> T | None:
    """The result of `work`, or None if a signal came first."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def _config(options: argparse.Namespace) -> EngineConfig:
    return EngineConfig(
        listen_host=options.listen.host,
        listen_port=options.listen.port,
        transports=frozenset(options.transport or ("tcp", "webrtc")),
        stun_servers=tuple(options.stun or DEFAULT_STUN_SERVERS),
        turn_servers=tuple(options.turn),
        lan_discovery=not options.no_lan,
        dht=not options.no_dht,
        dht_nodes=tuple(map(str, options.dht_node or ())) or DEFAULT_DHT_NODES,
        pex=not options.no_pex,
        port_mapping=options.port_mapping,
        encryption=options.encryption,
        down_limit=options.down_limit,
        up_limit=options.up_limit,
        limit_lan=options.limit_lan,
    )


def _listening(session: Session) -> str | None:
    return str(session.listening) if session.listening is not None else None
