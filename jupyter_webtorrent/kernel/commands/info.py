"""`%wt info`: all about a transfer, or what a link stands for."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.kernel.commands import lookup
from jupyter_webtorrent.kernel.errors import TransferTimeoutError
from jupyter_webtorrent.protocol.links import LinkKind, link_kind
from jupyter_webtorrent.protocol.magnet import MagnetLink, parse_link_or_hash
from jupyter_webtorrent.protocol.metainfo import Metainfo
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import TransferDetails

MAX_LINES = 100
"""Of one list; a torrent may have hundreds of thousands of files."""

Row = tuple[str, ...]


def info(options: argparse.Namespace) -> None:
    wanted = options.transfer
    if link_kind(wanted) in (LinkKind.MAGNET, LinkKind.HASH):
        parse_link_or_hash(wanted)
    client = connect()
    status = lookup.find_or_none(wanted, client.transfers())
    if status is not None:
        _print_details(client.details(status.info_hash))
    elif link_kind(wanted) is LinkKind.FILE:
        _print_torrent(lookup.read_torrent(wanted))
    else:
        _print_link(client, wanted, options.timeout)


def _print_link(client: Access, link: str, timeout: float) -> None:
    try:
        with lookup.peek(client, link, timeout) as preview:
            details = client.details(preview.info_hash)
            _print_facts(
                [
                    ("name", one_line(details.transfer.name)),
                    ("info hash", preview.info_hash),
                    ("size", _size(details)),
                ]
            )
            files = [(text.size(file.length), file.path) for file in details.files]
            _print_list("files", files)
    except TransferTimeoutError:
        if link_kind(link) is LinkKind.URL:
            raise
        _print_magnet(parse_link_or_hash(link))
        print(
            f"\nIts files are not known: nobody who has them was found in {text.duration(timeout)}."
        )


def _print_magnet(link: MagnetLink) -> None:
    _print_facts([("name", one_line(link.name or "?")), ("info hash", str(link.info_hash))])
    _print_list("trackers", [(url,) for url in link.trackers])
    _print_list("web seeds", [(url,) for url in link.web_seeds])
    _print_list("peers", [(str(peer),) for peer in link.peers])


def _print_torrent(metainfo: Metainfo) -> None:
    info = metainfo.info
    _print_facts(
        [
            ("name", one_line(info.name)),
            ("info hash", str(info.info_hash)),
            ("size", text.size(info.total)),
            *([("private", "its peers are found by its trackers alone")] if info.private else []),
        ]
    )
    files = [file for file in info.files if not file.padding]
    _print_list("files", [(text.size(file.length), "/".join(file.path)) for file in files])
    _print_list("trackers", [(url,) for tier in metainfo.trackers for url in tier])
    _print_list("web seeds", [(url,) for url in metainfo.web_seeds])


def _print_details(details: TransferDetails) -> None:
    status = details.transfer
    _print_facts(
        [
            ("name", text.short_name(status.name) or "?"),
            ("info hash", status.info_hash),
            ("size", _size(details)),
            ("state", text.progress_line(status)),
            ("sent", text.size(status.uploaded)),
            ("place", ", ".join(map(text.place, status.paths)) or text.place(status.folder)),
            *(
                [("private", "its peers are found by its trackers alone")]
                if details.private
                else []
            ),
            *_limit("down limit", details.down_limit),
            *_limit("up limit", details.up_limit),
            ("link", status.magnet),
        ]
    )
    _print_list(
        "files",
        [
            (
                f"{100 if not file.length else file.done * 100 // file.length}%",
                text.size(file.length),
                file.priority.value,
                file.path,
            )
            for file in details.files
        ],
    )
    _print_list(
        "peers",
        [
            (
                peer.transport,
                f"{int(peer.progress * 100)}%",
                f"↓ {text.rate(peer.down_rate)}",
                f"↑ {text.rate(peer.up_rate)}",
                peer.address,
                peer.client,
            )
            for peer in details.peers
            if peer.connected
        ],
    )
    _print_list(
        "trackers",
        [
            (each.state, each.url, text.swarm(each.seeders, each.leechers), each.message)
            for each in details.trackers
        ],
    )
    _print_list("web seeds", [(each.state, each.url, each.message) for each in details.web_seeds])
    _print_list(
        "could not be reached",
        [
            (
                each.transport,
                each.address,
                each.reason + (f" ({each.count} times)" if each.count > 1 else ""),
            )
            for each in details.failures
        ],
    )


def _size(details: TransferDetails) -> str:
    """Of all files, wanted or not."""
    return text.size(sum(file.length for file in details.files)) if details.files else "?"


def _limit(name: str, limit: int | None) -> list[Row]:
    return [] if limit is None else [(name, text.rate(limit))]


def _print_facts(facts: Sequence[Row]) -> None:
    print(*text.columns(facts), sep="\n")


def _print_list(title: str, rows: Iterable[Row]) -> None:
    lines = text.columns([tuple(map(one_line, row)) for row in rows])
    if lines:
        print(f"\n{title}")
    for line in lines[:MAX_LINES]:
        print(f"  {line}")
    if len(lines) > MAX_LINES:
        print(f"  and {len(lines) - MAX_LINES:,} more")
