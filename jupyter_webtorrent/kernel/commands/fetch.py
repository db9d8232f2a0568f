"""`%wt fetch`."""

from __future__ import annotations

import argparse

from jupyter_webtorrent.kernel import sharing
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.kernel.progress import wait_visibly
from jupyter_webtorrent.kernel.transfer import Transfer


def fetch(options: argparse.Namespace) -> Transfer | None:
    before = {status.info_hash for status in connect().transfers()}
    transfer = sharing.fetch(
        options.link, options.dir, select=options.select, sequential=options.sequential
    )
    if options.background:
        return transfer
    wait_visibly(transfer, options.timeout, is_ours=transfer.info_hash not in before)
    print(transfer.completion())
    return None
