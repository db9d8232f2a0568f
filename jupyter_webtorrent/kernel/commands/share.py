"""`%wt share`."""

from __future__ import annotations

import argparse
import glob
import os

from jupyter_webtorrent.kernel import sharing, text
from jupyter_webtorrent.kernel.progress import call_visibly
from jupyter_webtorrent.protocol.printable import one_line


def share(options: argparse.Namespace) -> None:
    paths = [path for pattern in options.paths for path in _expand(pattern)]
    transfer = call_visibly(
        lambda: sharing.share(
            paths,
            name=options.name,
            trackers=options.tracker,
            private=options.private,
            seed_ratio=options.seed_ratio,
            seed_seconds=options.seed_time,
            web_seeds=options.web_seed,
        ),
        f"hashing {' '.join(map(text.place, paths))}",
    )
    status = transfer.known
    print(status.magnet)
    notice = f" ({one_line(status.notice)})" if status.notice else ""
    print(
        f"Sharing {text.name_of(status)} ({text.size(status.total)}) for as long as {transfer.client.place} "
        f"runs{notice}."
    )
    if options.torrent_file is not None:
        print(f"Wrote {text.place(str(transfer.save_torrent(options.torrent_file)))}.")


def _expand(pattern: str) -> list[str]:
    """The paths that a pattern stands for; a path that exists stands for itself, whatever characters it has."""
    path = os.path.expanduser(pattern)
    if os.path.lexists(path) or not glob.has_magic(path):
        return [pattern]
    # Absolute, for a file that is called `~` is no home folder.
    return sorted(map(os.path.abspath, glob.glob(path))) or [pattern]
