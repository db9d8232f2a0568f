"""webtorrent.js in Node as a peer over TCP: `python -m tests.interop.peers.node_peer share|fetch …`.

Reads the command line, and becomes node.
"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from pathlib import Path

from tests.interop.peers.node_modules import node_modules
from tests.interop.peers.options import parse_options

SCRIPT = Path(__file__).with_suffix(".mjs")


def main(options: Namespace) -> None:
    if options.transport != "tcp":
        raise SystemExit("webtorrent.js in Node speaks TCP alone: npm does not carry its WebRTC")
    job = {
        "verb": options.verb,
        "port": int(options.listen.rpartition(":")[2]),
        "peers": options.peer,
        "path": str(getattr(options, "path", "")),
        "link": getattr(options, "link", ""),
        "folder": str(getattr(options, "folder", "")),
    }
    os.execvp("node", ["node", str(SCRIPT), str(node_modules()), json.dumps(job)])


if __name__ == "__main__":
    main(parse_options("webtorrent.js in Node as a peer"))
