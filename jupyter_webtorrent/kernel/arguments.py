"""What may stand after `%wt`, and how a line of it is taken apart.

A mistake is an ArgumentError with one line, help is a HelpRequested with many: argparse never ends the kernel.
"""

from __future__ import annotations

import argparse
import os
import shlex
from typing import NoReturn

from jupyter_webtorrent.protocol.errors import WebTorrentError


class ArgumentError(WebTorrentError):
    """A line that is no command; the message says why and where to look."""


class HelpRequested(Exception):  # noqa: N818 - not an error
    """`--help`: the message is what to print."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ArgumentError(f"{message}. See {self.prog} --help")

    def print_help(self, file: object = None) -> NoReturn:
        raise HelpRequested(self.format_help())


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


def parser() -> argparse.ArgumentParser:
    """The commands of `%wt`; a parsed line has its name in `command`, None for none."""
    top = _Parser(
        prog="%wt", description="Share files and folders peer to peer.", allow_abbrev=False
    )
    commands = top.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", parser_class=_Parser
    )

    share = commands.add_parser(
        "share",
        help="pass files or folders on, and print the magnet link for others",
        description="Makes one torrent of all paths, prints its magnet link, and passes it on for as long as "
        "this Jupyter server runs.",
    )
    share.add_argument("paths", metavar="PATH", nargs="+", help="a file, a folder or a pattern")
    share.add_argument(
        "--name", help="what others get to see (default: the file's or folder's name)"
    )
    share.add_argument(
        "--tracker", metavar="URL", action="append", help="instead of the server's own trackers"
    )
    share.add_argument(
        "--private", action="store_true", help="let peers be found by the trackers alone"
    )

    fetch = commands.add_parser(
        "fetch",
        help="get what a link stands for, and wait until it is there",
        description="Waits until every wanted byte is verified and in place. Interrupt the cell, and the fetch "
        "goes on in the background.",
    )
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
        "--select", metavar="GLOB", action="append", default=[], help="only files that match"
    )
    fetch.add_argument("--timeout", metavar="S", type=float, help="wait at most so many seconds")

    commands.add_parser("ls", help="list what this server shares and fetches")

    remove = commands.add_parser(
        "remove",
        help="stop sharing or fetching",
        description="Forgets a transfer. Files stay where they are, unless --data is given.",
    )
    remove.add_argument(
        "transfer", metavar="TRANSFER", help="its name, its link, or how its info hash begins"
    )
    remove.add_argument(
        "--data",
        action="store_true",
        help="delete what was fetched, too; never what you share from its own place",
    )
    return top


def options(command: str) -> list[str]:
    """The options of a command, for completion."""
    return _OPTIONS.get(command, [])


COMMANDS = ("fetch", "ls", "remove", "share")
_OPTIONS = {
    "fetch": ["--background", "--dir", "--help", "--select", "--timeout"],
    "ls": ["--help"],
    "remove": ["--data", "--help"],
    "share": ["--help", "--name", "--private", "--tracker"],
}
