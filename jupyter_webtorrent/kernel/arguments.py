"""What may stand after `%wt`, and how a line of it is taken apart.

A mistake is an ArgumentError with one line, help is a HelpRequested with many: argparse never ends the kernel.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import math
import os
import shlex
from typing import NoReturn

from jupyter_webtorrent.protocol.errors import WebTorrentError

COMMANDS = ("fetch", "info", "ls", "pause", "play", "remove", "resume", "share")


class ArgumentError(WebTorrentError):
    """A line that is no command; the message says why and where to look."""


class HelpRequested(Exception):  # noqa: N818 - not an error
    """`--help`: the message is what to print."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ArgumentError(f"{message}. See {self.prog} --help")

    def print_help(self, file: object = None) -> NoReturn:
        raise HelpRequested(self.format_help())

    def long_options(self) -> dict[str, bool]:
        return {
            name: action.nargs != 0
            for action in self._actions
            for name in action.option_strings
            if name.startswith("--")
        }


def split(line: str) -> list[str]:
    """The words of a line as a shell would see them, without quotes; on Windows a backslash is just that."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    if os.name == "nt":
        lexer.escape = ""
    try:
        return list(lexer)
    except ValueError as error:
        raise ArgumentError(f"%wt: {str(error).lower()}: check the quotes") from None


def parse(line: str) -> argparse.Namespace:
    """What a line says, with its command's name in `command`; raises ArgumentError and HelpRequested."""
    words = split(line) or ["--help"]
    first = words[0]
    if not first.startswith("-") and first not in COMMANDS:
        near = difflib.get_close_matches(first.lower(), COMMANDS, n=1)
        meant = f", did you mean %wt {near[0]}?" if near else "."
        raise ArgumentError(f"%wt has no command {first[:40]!r}{meant} See %wt --help")
    return _parsers()[0].parse_args(words)


def options(command: str) -> dict[str, bool]:
    """The long options of a command, each with whether a value follows it; for completion."""
    parser = _parsers()[1].get(command)
    return {} if parser is None else parser.long_options()


@functools.cache
def _parsers() -> tuple[_Parser, dict[str, _Parser]]:
    top = _Parser(
        prog="%wt", description="Share files and folders peer to peer.", allow_abbrev=False
    )
    commands = top.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", parser_class=_Parser
    )
    found: dict[str, _Parser] = {}

    def add(name: str, summary: str, description: str, example: str) -> _Parser:
        found[name] = commands.add_parser(
            name, help=summary, description=description, epilog=f"Example: %wt {example}"
        )
        return found[name]

    _add_share(
        add(
            "share",
            "pass files or folders on, and print the magnet link for others",
            "Makes one torrent of all paths, prints its magnet link, and passes it on in the background. Notebooks "
            "are shared as they are now, from copies.",
            "share data.csv 'lesson 1/' --name 'week 1'",
        )
    )
    _add_fetch(
        add(
            "fetch",
            "get what a link stands for, and wait until it is there",
            "Waits until every wanted byte is verified and in place. Interrupt the cell, and the fetch goes on in "
            "the background; press Cancel, and it ends, and what came so far is kept.",
            "fetch magnet:?xt=urn:btih:… -d data --select '*.csv'",
        )
    )
    add("ls", "list what is shared and fetched", "Lists all transfers.", "ls")
    info = add(
        "info",
        "show files, peers and trackers of a transfer, or what a link stands for",
        "Of a transfer: its files, peers and trackers, and why peers could not be reached. Of any other link: "
        "its name, files and sizes; none of them is fetched.",
        "info penguins.csv",
    )
    _add_transfer(info, "transfer", link=True)
    _add_timeout(info, "ask for the files of a link for so many seconds (default: 30)", default=30)
    for name, summary, description in (
        ("pause", "stop the traffic of transfers", "Exchanges nothing until it is resumed."),
        ("resume", "let paused transfers go on", "Goes on where it was paused."),
    ):
        command = add(name, summary, description, f"{name} penguins.csv")
        _add_transfer(command, "transfers", nargs="*")
        command.add_argument("--all", action="store_true", help=f"{name} all transfers")
    remove = add(
        "remove",
        "stop sharing or fetching",
        "Forgets transfers. Files stay where they are, unless --data is given.",
        "remove penguins.csv --data",
    )
    _add_transfer(remove, "transfers", nargs="+")
    remove.add_argument(
        "--data",
        action="store_true",
        help="delete what was fetched, too; never what you share from its own place",
    )
    play = add(
        "play",
        "watch, hear or look at a file while it arrives",
        "Shows a player at once, and fetches the file in the background.",
        "play magnet:?xt=urn:btih:… lecture.mp4",
    )
    _add_transfer(play, "transfer", link=True)
    play.add_argument(
        "file", metavar="FILE", nargs="?", help="which of its files (default: the one to play)"
    )
    return top, found


def _add_share(share: _Parser) -> None:
    share.add_argument("paths", metavar="PATH", nargs="+", help="a file, a folder or a pattern")
    share.add_argument(
        "--name", help="what others get to see (default: the file's or folder's name)"
    )
    share.add_argument(
        "--tracker",
        metavar="URL",
        action="append",
        help="instead of the configured trackers; may be repeated",
    )
    share.add_argument(
        "--private", action="store_true", help="let peers be found by the trackers alone"
    )
    share.add_argument(
        "--seed-ratio",
        metavar="R",
        type=_amount,
        help="pause once so many times its bytes were sent",
    )
    share.add_argument(
        "--seed-time", metavar="S", type=_amount, help="pause after so many seconds of sharing"
    )
    share.add_argument(
        "--web-seed",
        metavar="URL",
        action="append",
        default=[],
        help="a web server that has the files too; may be repeated",
    )
    share.add_argument("--torrent-file", metavar="OUT", help="write the .torrent file, too")


def _add_fetch(fetch: _Parser) -> None:
    fetch.add_argument(
        "link", metavar="LINK", help="a magnet link, an info hash, or a .torrent file or URL"
    )
    fetch.add_argument(
        "-d", "--dir", metavar="DIR", help="where to put it (default: this notebook's folder)"
    )
    fetch.add_argument(
        "-b", "--background", action="store_true", help="do not wait: return a handle"
    )
    fetch.add_argument(
        "--select",
        metavar="GLOB",
        action="append",
        default=[],
        help="only files that match; may be repeated",
    )
    fetch.add_argument(
        "--sequential", action="store_true", help="the beginning first, to look at it meanwhile"
    )
    _add_timeout(fetch, "wait at most so many seconds")


def _add_transfer(
    parser: _Parser, name: str, *, nargs: str | None = None, link: bool = False
) -> None:
    meant = "its name, its link, or how its info hash begins"
    parser.add_argument(
        name,
        metavar="TRANSFER|LINK" if link else "TRANSFER",
        nargs=nargs,
        help=f"{meant}; or any other link" if link else meant,
    )


def _add_timeout(parser: _Parser, meaning: str, default: float | None = None) -> None:
    parser.add_argument("--timeout", metavar="S", type=_amount, default=default, help=meaning)


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return amount
