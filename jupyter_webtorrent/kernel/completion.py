"""Tab completion of `%wt` lines: commands, options, file names and the names of transfers.

A matcher of IPython's own kind, for the older `complete_command` hook leaves Jedi's guesses in front of ours and
takes a file name apart at its spaces.
"""

from __future__ import annotations

import glob
import os
import re

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from jupyter_webtorrent.kernel import arguments
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.protocol.errors import WebTorrentError

_LINE = re.compile(r"\s*%?wt\s+(.*)", re.DOTALL)


@context_matcher(identifier="jupyter_webtorrent", priority=100)  # type: ignore[untyped-decorator]
def match(context: CompletionContext) -> SimpleMatcherResult:
    """What could stand where the cursor is, in place of the word before it."""
    line = _LINE.match(context.text_until_cursor)
    if line is None:
        return {"completions": []}
    start = _start_of_last_word(line[1])
    before, word = line[1][:start], line[1][start:]
    found = [SimpleCompletion(text) for text in _candidates(before.split(), word)]
    return {"completions": found, "matched_fragment": word, "suppress": True}


def _candidates(before: list[str], word: str) -> list[str]:
    if not before:
        return [name for name in arguments.COMMANDS if name.startswith(word)]
    command = before[0]
    if word.startswith("-"):
        return [option for option in arguments.options(command) if option.startswith(word)]
    if command == "share" or before[-1] in ("-d", "--dir"):
        return _files(word)
    if command == "fetch":
        return [name for name in _files(word) if name.endswith((".torrent", "/"))]
    if command == "remove":
        return _transfers(word)
    return []


def _files(word: str) -> list[str]:
    """The files and folders that begin so; a folder ends in `/`, a hidden one must be asked for by its dot."""
    quote, beginning = _unquote(word)
    place = os.path.expanduser(beginning)
    found = []
    for path in sorted(glob.glob(glob.escape(place) + "*")):
        ending = "/" if os.path.isdir(path) else ""
        found.append(_quote(quote, beginning + path[len(place) :] + ending))
    return found


def _transfers(word: str) -> list[str]:
    quote, beginning = _unquote(word)
    try:
        transfers = connect().transfers()
    except WebTorrentError:
        return []
    names = sorted(status.name or status.info_hash for status in transfers)
    return [_quote(quote, name) for name in names if name.startswith(beginning)]


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
