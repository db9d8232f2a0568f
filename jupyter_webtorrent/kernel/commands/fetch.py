"""`%wt fetch`."""

from __future__ import annotations

import argparse

from jupyter_webtorrent.kernel import sharing
from jupyter_webtorrent.kernel.progress import wait_visibly
from jupyter_webtorrent.kernel.transfer import Transfer


def fetch(options: argparse.Namespace) -> Transfer | None:
    transfer = sharing.fetch(
        options.link, options.dir, select=options.select, sequential=options.sequential
    )
    if options.background:
        return transfer
    wait_visibly(transfer, options.timeout)
    print(transfer.completion())
    return None
