"""`%wt pause`, `%wt resume` and `%wt remove`: several transfers, none of them if one is not meant clearly."""

from __future__ import annotations

import argparse

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.kernel.commands.lookup import find
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus


def pause(options: argparse.Namespace) -> None:
    client = connect()
    for status in _meant(options, client):
        if status.state not in (TransferState.PAUSED, TransferState.FAILED) or not options.all:
            client.pause(status.info_hash)
            print(f"Paused {text.name_of(status)}.")


def resume(options: argparse.Namespace) -> None:
    client = connect()
    for status in _meant(options, client):
        if status.state is TransferState.PAUSED or not options.all:
            print(f"Resumed {text.name_of(client.resume(status.info_hash))}.")


def remove(options: argparse.Namespace) -> None:
    client = connect()
    transfers = client.transfers()
    found = {each.info_hash: each for each in (find(name, transfers) for name in options.transfers)}
    for status in found.values():
        client.remove(status.info_hash, delete_data=options.data)
        and_data = " and what was fetched" if options.data and not status.shared else ""
        print(f"Removed {text.name_of(status)}{and_data}.")


def _meant(options: argparse.Namespace, client: Access) -> list[TransferStatus]:
    if bool(options.transfers) is options.all:
        raise WebTorrentError(
            f"Name the transfers to {options.command}, or say --all. See %wt {options.command} --help"
        )
    transfers = client.transfers()
    found = transfers if options.all else [find(name, transfers) for name in options.transfers]
    if not found:
        print(f"There is nothing to {options.command}.")
    return list({status.info_hash: status for status in found}.values())
