"""The command line `jupyter webtorrent …`: its words, and which function each leads to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jupyter_webtorrent.cli.output import JsonOutput, Output, TextOutput
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.ice_servers import TurnServer, stun_address
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.version import __version__

TRANSPORTS = ("tcp", "webrtc")
RATE_SUFFIXES = {"k": 1000, "M": 1000**2, "G": 1000**3}

Command = Callable[[argparse.Namespace, Output], int]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its status: 0 done, 1 failed with one line why, 2 misused."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    parser = build_parser()
    options = parser.parse_args(arguments)
    output: Output = JsonOutput() if getattr(options, "json", False) else TextOutput()
    command: Command = options.command
    try:
        return command(options, output)
    except WebTorrentError as error:
        output.error(str(error))
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone: say nothing more
    except KeyboardInterrupt:
        return 130
    return 1


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jupyter webtorrent",
        description="Share files peer to peer: WebTorrent and BitTorrent, no upload, no account.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_share(commands.add_parser("share", help="share files and folders, until interrupted"))
    _add_fetch(commands.add_parser("fetch", help="fetch what a link names"))
    _add_tracker(commands.add_parser("tracker", help="run a tracker for a class"))
    _add_create(commands.add_parser("create", help="write a .torrent file"))
    _add_info(commands.add_parser("info", help="show what a link or .torrent file says"))
    return parser


def _add_share(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--name", help="what the share is called (default: the path's own name)")
    trackers = _add_network(parser, "announce to this tracker, instead of the public ones")
    trackers.add_argument(
        "--no-tracker",
        action="store_true",
        help="announce to none: the link serves those who reach this machine directly",
    )
    parser.add_argument(
        "--private", action="store_true", help="find peers by the trackers only (BEP 27)"
    )
    _add_web_seed(parser, "a web server that has the files too, for the link")
    parser.add_argument("--torrent-file", type=Path, metavar="OUT", help="also write a .torrent")
    parser.set_defaults(command=_share)


def _add_fetch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "link", metavar="LINK", help="a magnet link, an info hash, or a .torrent file's path or URL"
    )
    parser.add_argument(
        "-d", "--directory", type=Path, default=Path(), metavar="DIR", help="where it goes"
    )
    trackers = _add_network(parser, "ask this tracker too")
    trackers.add_argument(
        "--no-tracker", action="store_true", help="ask none but those that the link names"
    )
    _add_web_seed(parser, "fetch from this web server too, also on the local network")
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="GLOB",
        help="fetch only the files that match",
    )
    parser.add_argument(
        "--sequential", action="store_true", help="from the first piece to the last, in order"
    )
    parser.add_argument("--seed", action="store_true", help="go on sharing until interrupted")
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="give up after so many seconds"
    )
    parser.set_defaults(command=_fetch)


def _add_tracker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        type=_listen_address,
        default=PeerAddress("", 8000),
        metavar="HOST:PORT",
        help="where to listen; port 0 means any (default: every interface, port 8000)",
    )
    _add_json(parser)
    parser.set_defaults(command=_tracker)


def _add_create(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    parser.add_argument("--tracker", action="append", metavar="URL")
    parser.add_argument("--private", action="store_true")
    _add_web_seed(parser, "a web server that has the files too, for the .torrent")
    _add_json(parser)
    parser.set_defaults(command=_create)


def _add_info(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("link", metavar="LINK")
    _add_json(parser)
    parser.set_defaults(command=_info)


def _add_network(
    parser: argparse.ArgumentParser, tracker_help: str
) -> argparse._MutuallyExclusiveGroup:
    """The options of share and fetch alike; returns the group that `--tracker` excludes."""
    trackers = parser.add_mutually_exclusive_group()
    trackers.add_argument("--tracker", action="append", metavar="URL", help=tracker_help)
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        type=_peer_address,
        metavar="HOST:PORT",
        help="connect to this peer over TCP",
    )
    parser.add_argument(
        "--listen",
        type=_listen_address,
        default=PeerAddress("", 0),
        metavar="HOST:PORT",
        help="the TCP address to listen on; port 0 means any",
    )
    parser.add_argument(
        "--transport",
        action="append",
        choices=TRANSPORTS,
        help="use only the transports named (default: all)",
    )
    parser.add_argument(
        "--stun",
        action="append",
        type=_stun_url,
        metavar="URL",
        help="ask this STUN server, as in stun:HOST:PORT, for our public address, and no public one",
    )
    parser.add_argument(
        "--turn",
        action="append",
        default=[],
        type=_turn_server,
        metavar="URL",
        help="relay through this TURN server where nothing else leads to a peer, as in"
        " turn:USER:PASSWORD@HOST:PORT, ?transport=tcp added for TCP, or turns: for TLS",
    )
    parser.add_argument(
        "--no-lan", action="store_true", help="do not search the local network for peers"
    )
    dht = parser.add_mutually_exclusive_group()
    dht.add_argument("--no-dht", action="store_true", help="do not search the DHT for peers")
    dht.add_argument(
        "--dht-node",
        action="append",
        type=_peer_address,
        metavar="HOST:PORT",
        help="join the DHT by this node, instead of the public ones",
    )
    parser.add_argument(
        "--port-mapping",
        action="store_true",
        help="ask the router to let peers of the internet in (NAT-PMP, UPnP)",
    )
    parser.add_argument(
        "--no-pex", action="store_true", help="do not exchange addresses with peers"
    )
    parser.add_argument(
        "--encryption",
        choices=("off", "prefer", "require"),
        default="prefer",
        help="disguise TCP connections: never, for peers that want it (default), or always",
    )
    _add_limits(parser)
    _add_json(parser)
    return trackers


def _add_limits(parser: argparse.ArgumentParser) -> None:
    for direction in ("down", "up"):
        parser.add_argument(
            f"--{direction}-limit",
            type=_rate,
            metavar="RATE",
            help=f"{direction}load at most so many bytes a second, as 500k or 2.5M",
        )
    parser.add_argument(
        "--limit-lan", action="store_true", help="hold the limits on the local network too"
    )
    parser.add_argument(
        "--seed-ratio",
        type=_ratio,
        metavar="R",
        help="stop sharing once R times its bytes were sent",
    )
    parser.add_argument(
        "--seed-time", type=_seconds, metavar="S", help="stop sharing after so many seconds of it"
    )


def _add_web_seed(parser: argparse.ArgumentParser, help_text: str) -> None:
    parser.add_argument("--web-seed", action="append", default=[], metavar="URL", help=help_text)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _stun_url(text: str) -> str:
    try:
        stun_address(text)
    except WebTorrentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _turn_server(text: str) -> TurnServer:
    try:
        return TurnServer.from_text(text)
    except WebTorrentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _peer_address(text: str) -> PeerAddress:
    return _address(text, allow_any_port=False)


def _listen_address(text: str) -> PeerAddress:
    return _address(text, allow_any_port=True)


def _address(text: str, *, allow_any_port: bool) -> PeerAddress:
    try:
        return PeerAddress.from_text(text, allow_any_port=allow_any_port)
    except WebTorrentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"a time in seconds, above 0, is wanted, not {text!r}")
    return seconds


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio < float("inf"):
        raise argparse.ArgumentTypeError(f"a ratio, as 1.5, is wanted, not {text!r}")
    return ratio


def _rate(text: str) -> int:
    number, factor = text, 1
    if text[-1:] in RATE_SUFFIXES:
        number, factor = text[:-1], RATE_SUFFIXES[text[-1]]
    try:
        rate = float(number) * factor
    except ValueError:
        rate = 0.0
    if not 1 <= rate < float("inf"):
        raise argparse.ArgumentTypeError(f"bytes a second, as 500k or 2.5M, not {text!r}")
    return int(rate)


# The commands' modules are imported when needed: `--help` answers at once.


def _share(options: argparse.Namespace, output: Output) -> int:
    from jupyter_webtorrent.cli import transfers

    return transfers.share(options, output)


def _fetch(options: argparse.Namespace, output: Output) -> int:
    from jupyter_webtorrent.cli import transfers

    return transfers.fetch(options, output)


def _tracker(options: argparse.Namespace, output: Output) -> int:
    from jupyter_webtorrent.cli import tracker

    return tracker.serve(options, output)


def _create(options: argparse.Namespace, output: Output) -> int:
    from jupyter_webtorrent.cli import torrents

    return torrents.create(options, output)


def _info(options: argparse.Namespace, output: Output) -> int:
    from jupyter_webtorrent.cli import torrents

    return torrents.info(options, output)
