"""`%wt ls`."""

from __future__ import annotations

import argparse

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import TransferStatus

_HEADER = ("NAME", "SIZE", "DONE", "STATE", "DOWN", "UP", "PEERS", "INFO HASH")


def ls(options: argparse.Namespace) -> None:
    transfers = sorted(connect().transfers(), key=text.name_of)
    if not transfers:
        print("Nothing is shared or fetched. See %wt --help")
        return
    print(*text.columns([_HEADER, *map(_row, transfers)]), sep="\n")
    for status in transfers:
        if news := status.error or status.notice:
            print(f"{text.name_of(status)}: {one_line(news)}")


def _row(status: TransferStatus) -> tuple[str, ...]:
    return (
        text.name_of(status),
        text.size(status.total) if status.total else "?",
        f"{int(text.fraction(status) * 100)}%",
        status.state.value.replace("_", " "),
        text.rate(status.down_rate),
        text.rate(status.up_rate),
        str(status.peers),
        status.info_hash[:12],
    )
