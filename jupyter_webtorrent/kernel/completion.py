"""Tab completion of `%wt` lines: commands, options, file names, links, and the names and files of transfers.

A matcher of IPython's own kind, for the older `complete_command` hook leaves Jedi's guesses in front of ours and
takes a file name apart at its spaces.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from jupyter_webtorrent.kernel import arguments
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.kernel.commands import lookup
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.links import LinkKind, link_kind
from jupyter_webtorrent.protocol.printable import printable
from jupyter_webtorrent.schema.transfers import TransferStatus

_LINE = re.compile(r"\s*%?wt\s+(.*)", re.DOTALL)
_MOST_FILES = 200
"""Of a transfer, to choose from."""


@context_matcher(identifier="jupyter_webtorrent", priority=100)  # type: ignore[untyped-decorator]
def match(context: CompletionContext) -> SimpleMatcherResult:
    """What could stand where the cursor is, in place of the word before it."""
    line = _LINE.match(context.text_until_cursor)
    if line is None:
        return {"completions": []}
    start = _start_of_last_word(line[1])
    word = line[1][start:]
    quote, beginning = _unquote(word)
    found = [
        SimpleCompletion(_quote(quote, text))
        for text in _candidates(_words(line[1][:start]), beginning)
    ]
    return {"completions": found, "matched_fragment": word, "suppress": True}


def _candidates(before: list[str], word: str) -> list[str]:
    if not before:
        return _beginning_with(word, arguments.COMMANDS)
    command, *rest = before
    options = arguments.options(command)
    if word.startswith("-"):
        return _beginning_with(word, sorted(options))
    option = {"-d": "--dir"}.get(before[-1], before[-1])
    if options.get(option):
        return _values(option, rest, word)
    match command:
        case "share":
            return _files(word)
        case "fetch":
            return _torrents(word) + _links(word)
        case "info":
            return _names(word) + _torrents(word) + _links(word)
        case "play" if rest:
            return _files_of(rest, word)
        case "play":
            return _names(word) + _torrents(word) + _links(word)
        case "pause" | "resume" | "remove":
            return [name for name in _names(word) + _links(word) if name not in rest]
    return []


def _values(option: str, rest: list[str], word: str) -> list[str]:
    match option:
        case "--dir":
            return [path for path in _files(word) if path.endswith("/")]
        case "--torrent-file":
            return _torrents(word)
        case "--select":
            return _files_of(rest, word)
    return []


def _files(word: str) -> list[str]:
    """The files and folders that begin so; a folder ends in `/`, a hidden one must be asked for by its dot."""
    place = os.path.expanduser(word)
    found = []
    for path in sorted(glob.glob(glob.escape(place) + "*")):
        ending = "/" if os.path.isdir(path) else ""
        found.append(word + path[len(place) :] + ending)
    return found


def _torrents(word: str) -> list[str]:
    return [path for path in _files(word) if path.endswith((".torrent", "/"))]


def _names(word: str) -> list[str]:
    """What transfers are called; their info hashes where the name is unknown or would not be typed."""
    transfers = _transfers()
    names = [status.name for status in transfers if status.name == printable(status.name)]
    hashes = [
        status.info_hash
        for status in transfers
        if word or status.name not in names or not status.name
    ]
    return _beginning_with(word, sorted(filter(None, names)) + sorted(hashes))


def _links(word: str) -> list[str]:
    if not word:
        return []
    return _beginning_with(word, sorted(status.magnet for status in _transfers()))


def _files_of(rest: list[str], word: str) -> list[str]:
    """The files of the transfer, or .torrent file, that the words before name."""
    for wanted in rest:
        try:
            if link_kind(wanted) is LinkKind.FILE:
                files = lookup.read_torrent(wanted).info.files
                paths = ["/".join(file.path) for file in files if not file.padding]
            else:
                client = connect()
                status = lookup.find(wanted, client.transfers())
                paths = [file.path for file in client.details(status.info_hash).files]
        except WebTorrentError:
            continue
        return _beginning_with(word, [path for path in paths if path == printable(path)])[
            :_MOST_FILES
        ]
    return []


def _transfers() -> list[TransferStatus]:
    try:
        return connect().transfers()
    except WebTorrentError:
        return []


def _beginning_with(word: str, candidates: Iterable[str]) -> list[str]:
    return [each for each in candidates if each.startswith(word)]


def _words(line: str) -> list[str]:
    try:
        return arguments.split(line)
    except WebTorrentError:
        return line.split()


def _start_of_last_word(line: str) -> int:
    """Where the word begins that the line ends in, as `arguments.split` would take it apart."""
    start, quote, position = 0, "", 0
    while position < len(line):
        character = line[position]
        if character == "\\" and os.name != "nt":
            position += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character.isspace():
            start = position + 1
        position += 1
    return start


def _unquote(word: str) -> tuple[str, str]:
    """The quote that a word begins with, if any, and what the word means."""
    if word[:1] in ("'", '"'):
        return word[0], word[1:]
    return "", word if os.name == "nt" else re.sub(r"\\(.)", r"\1", word)


def _quote(quote: str, text: str) -> str:
    """Text as it can stand in a line whose word began with `quote`."""
    if quote:
        return quote + text
    if os.name == "nt":
        return f'"{text}' if " " in text else text
    return re.sub(r"([\s'\"\\])", r"\\\1", text)
