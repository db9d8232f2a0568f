"""The command line of the foreign peers: the part of ours that the tests use, and their answers' form."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path


def parse_options(description: str) -> Namespace:
    """Parse `share PATH` or `fetch LINK`, as our own command line would."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--package", default="webtorrent", help="which webtorrent.js of npm")
    verbs = parser.add_subparsers(dest="verb", required=True)
    share = verbs.add_parser("share")
    share.add_argument("path", type=Path)
    share.add_argument("--piece-length", type=int, default=128 * 1024)
    share.add_argument("--torrent-file", type=Path)
    share.add_argument("--web-seed", action="append", default=[])
    share.add_argument("--hybrid", action="store_true", help="BitTorrent v1 and v2 in one torrent")
    share.add_argument("--private", action="store_true", help="find peers by the trackers only")
    fetch = verbs.add_parser("fetch")
    fetch.add_argument("link")
    fetch.add_argument("-d", dest="folder", type=Path, required=True)
    for verb in (share, fetch):
        verb.add_argument("--json", action="store_true", required=True)
        verb.add_argument("--transport", choices=("tcp", "webrtc"), required=True)
        verb.add_argument("--listen", default="127.0.0.1:0")
        verb.add_argument("--tracker", action="append", default=[])
        verb.add_argument("--no-tracker", action="store_true", help="goes without saying here")
        verb.add_argument("--encryption", choices=("off", "plain", "rc4", "both"))
        verb.add_argument("--peer", action="append", default=[])
        verb.add_argument("--dht-node", action="append", default=[], metavar="HOST:PORT")
        verb.add_argument("--down-limit", type=int, default=0, help="bytes a second; 0: none")
        verb.add_argument("--limit-lan", action="store_true", help="goes without saying here")
        verb.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    return parser.parse_args()


def say(event: str, **fields: object) -> None:
    """Write one line to stdout, at once."""
    print(json.dumps({"event": event, **fields}), flush=True)
