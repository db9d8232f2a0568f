"""The `%wt` magic: share, fetch, ls, remove.

Whatever goes wrong is one line, and the cell counts as failed, so that Run All stops there.
"""

from __future__ import annotations

import argparse
import glob
import os
from collections.abc import Callable

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

from jupyter_webtorrent.kernel import arguments, sharing, text
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.kernel.completion import match
from jupyter_webtorrent.kernel.progress import wait_visibly
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import TransferStatus


@magics_class
class WebTorrentMagics(Magics):
    """`%wt COMMAND …`; each command is a method of its own here."""

    @line_magic
    def wt(self, line: str) -> Transfer | None:
        """Share and fetch files peer to peer: `%wt --help` has the commands."""
        try:
            options = arguments.parser().parse_args(arguments.split(line) or ["--help"])
            if options.command is None:
                raise arguments.ArgumentError("%wt: a command is missing. See %wt --help")
            return _COMMANDS[options.command](options)
        except arguments.HelpRequested as help_text:
            print(help_text, end="")
            return None
        except KeyboardInterrupt:
            raise UsageError(
                "Interrupted: what the server has begun goes on in the background; %wt ls shows how far it is."
            ) from None
        except WebTorrentError as error:
            raise UsageError(one_line(str(error))) from None


def register(shell: InteractiveShell) -> None:
    """Add the magic and its completion to a shell."""
    shell.register_magics(WebTorrentMagics)
    if match not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(match)


def _share(options: argparse.Namespace) -> None:
    paths = [path for pattern in options.paths for path in _expand(pattern)]
    transfer = sharing.share(
        paths, name=options.name, trackers=options.tracker, private=options.private
    )
    status = transfer.known
    print(status.magnet)
    print(
        f"Sharing {text.name_of(status)} ({text.size(status.total)}) for as long as this Jupyter server runs."
    )


def _expand(pattern: str) -> list[str]:
    """The paths that a pattern stands for; a path that exists stands for itself, whatever characters it has."""
    path = os.path.expanduser(pattern)
    if os.path.lexists(path) or not glob.has_magic(path):
        return [pattern]
    # Absolute, for a file that is called `~` is no home folder.
    return sorted(map(os.path.abspath, glob.glob(path))) or [pattern]


def _fetch(options: argparse.Namespace) -> Transfer | None:
    transfer = sharing.fetch(options.link, options.dir, select=options.select)
    if options.background:
        return transfer
    wait_visibly(transfer, options.timeout)
    print(transfer.completion())
    return None


def _ls(options: argparse.Namespace) -> None:
    transfers = connect().transfers()
    if not transfers:
        print("Nothing is shared or fetched. See %wt --help")
        return
    header = ("NAME", "SIZE", "DONE", "STATE", "DOWN", "UP", "PEERS", "INFO HASH")
    rows = [header, *(_row(status) for status in sorted(transfers, key=text.name_of))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _row(status: TransferStatus) -> tuple[str, ...]:
    return (
        text.name_of(status),
        text.size(status.total) if status.total else "?",
        f"{int(text.fraction(status) * 100)}%",
        status.state.value,
        text.rate(status.down_rate),
        text.rate(status.up_rate),
        str(status.peers),
        status.info_hash[:12],
    )


def _remove(options: argparse.Namespace) -> None:
    client = connect()
    status = _find(options.transfer, client.transfers())
    client.remove(status.info_hash, delete_data=options.data)
    kept = "" if not options.data else " and what was fetched"
    print(f"Removed {text.name_of(status)}{kept}.")


def _find(wanted: str, transfers: list[TransferStatus]) -> TransferStatus:
    """The one transfer that a name, a link or the beginning of an info hash means."""
    found = [status for status in transfers if status.name == wanted]
    if not found:
        beginning = wanted.lower()
        found = [
            status
            for status in transfers
            if (len(beginning) >= 4 and status.info_hash.startswith(beginning))
            or f"btih:{status.info_hash}" in beginning
        ]
    if not found:
        raise WebTorrentError(f"No transfer is called {wanted!r}; %wt ls lists them.")
    if len(found) > 1:
        raise WebTorrentError(
            f"{len(found)} transfers are meant by {wanted!r}: say how its info hash begins, as %wt ls has it."
        )
    return found[0]


_COMMANDS: dict[str, Callable[[argparse.Namespace], Transfer | None]] = {
    "share": _share,
    "fetch": _fetch,
    "ls": _ls,
    "remove": _remove,
}
