"""Torrents, magnet links and file names that somebody made up to do harm, each with a name of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha1
from typing import TypeAlias

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.bencode import Encodable

Fields: TypeAlias = "Mapping[str, Encodable | None]"
"""Of an info dictionary; None leaves one out."""

PIECE = 1 << 14
HASH = "ab" * 20


def torrents() -> Iterator[tuple[str, bytes]]:
    """.torrent files."""
    yield from _bytes_that_are_no_torrent()
    for what, changes in _info_changes().items():
        yield what, _torrent(changes)
    for what, fields in _outer_fields().items():
        yield what, bencode.encode({"info": _info(), **fields})


def magnets() -> Iterator[tuple[str, str]]:
    """Magnet links and what is pasted for one."""
    link = f"magnet:?xt=urn:btih:{HASH}"
    yield "nothing", ""
    yield "a scheme alone", "magnet:"
    yield "no parameters", "magnet:?"
    yield "no topic", "magnet:?dn=data.csv"
    yield "an empty topic", "magnet:?xt="
    yield "another urn", "magnet:?xt=urn:sha1:" + "A" * 32
    yield "v2 alone", "magnet:?xt=urn:btmh:1220" + "ab" * 32
    yield "no such hexadecimal", "magnet:?xt=urn:btih:" + "zz" * 20
    yield "no such base32", "magnet:?xt=urn:btih:" + "1" * 32
    for length in (0, 1, 19, 31, 33, 39, 41, 64, 4000):
        yield f"a hash of {length} characters", "magnet:?xt=urn:btih:" + "a" * length
    yield "two hashes", f"{link}&xt=urn:btih:{'cd' * 20}"
    yield "a NUL in the hash", "magnet:?xt=urn:btih:" + "ab" * 19 + "\0\0"
    yield "fullwidth digits", "magnet:?xt=urn:btih:" + "\uff11" * 40
    yield "9 KB", link + "&dn=" + "x" * 9000
    yield "a name of 8 KB", link + "&dn=" + "x" * 8000
    yield "8 KB of emoji", link + "&dn=" + "\U0001f600" * 2000
    yield "10,000 trackers", link + "&tr=http://a.example/announce" * 10_000
    yield "200 trackers", link + "".join(f"&tr=http://a{n}.example/" for n in range(200))
    yield "200 web seeds", link + "".join(f"&ws=http://a{n}.example/" for n in range(200))
    yield "400 peers", link + "".join(f"&x.pe=192.0.2.1:{n + 1}" for n in range(400))
    for url in ("file:///etc/passwd", "javascript:alert(1)", "gopher://a/", "http://", "http:///x"):
        yield f"the tracker {url}", f"{link}&tr={url}"
        yield f"the web seed {url}", f"{link}&ws={url}"
    yield "a tracker with a line break", link + "&tr=http://a.example/%0d%0aHost:%20b"
    for peer in ("a", ":1", "a:", "a:0", "a:65536", "a:-1", "[::1", "[::1]:", "::1:5", "a b:1"):
        yield f"the peer {peer!r}", f"{link}&x.pe={peer}"
    for selection in ("-1", "a", "5-2", "0-99999999999999999999", ",,,", "1-", "\u0661"):
        yield f"the selection {selection!r}", f"{link}&so={selection}"
    yield "half a percent", link + "&dn=%"
    yield "no UTF-8", link + "&dn=%ff%fe"
    yield "half a surrogate pair", link + "&dn=\ud800"
    yield "a right-to-left name", link + "&dn=%E2%80%AEvsc.exe"
    yield "4,000 parameters", link + "&a=b" * 1900
    yield "an escape in the name", link + "&dn=%1b]0;x%07"


def names() -> Iterator[tuple[str, list[tuple[bytes, ...]]]]:
    """The files of a folder torrent, by their paths."""
    single: list[tuple[str, bytes]] = [
        ("dot", b"."),
        ("dot dot", b".."),
        ("three dots", b"..."),
        ("empty", b""),
        ("a slash", b"a/b"),
        ("up by slashes", b"../../etc/passwd"),
        ("absolute", b"/etc/passwd"),
        ("backslashes", b"..\\..\\boot.ini"),
        ("a drive", b"C:\\boot.ini"),
        ("a drive, relative", b"C:boot.ini"),
        ("a share", b"\\\\server\\share\\x"),
        ("a device path", b"\\\\?\\C:\\x"),
        ("a stream", b"data.csv:hidden"),
        ("a NUL", b"a\0b"),
        ("a line break", b"a\nb"),
        ("a bell", b"a\x07b"),
        ("an escape", b"\x1b[31mred"),
        ("a C1 control", b"a\xc2\x9bb"),
        ("right to left", "a\u202ecsv.exe".encode()),
        ("isolates", "a\u2066b\u2069".encode()),
        ("zero width", "a\u200bb".encode()),
        ("a byte order mark", "\ufeffa".encode()),
        ("no UTF-8", b"\xff\xfe"),
        ("an overlong slash", b"a\xc0\xafb"),
        ("a surrogate", b"a\xed\xa0\x80"),
        ("a fullwidth slash", "a\uff0fb".encode()),
        ("a trailing dot", b"a."),
        ("a trailing space", b"a "),
        ("a leading space", b" a"),
        ("hidden", b".bashrc"),
        ("our part", b".data.csv.wtpart"),
        ("our lock", b".data.csv.wtpart.lock"),
        ("a tilde", b"~root"),
        ("a variable", b"$HOME"),
        ("a glob", b"*?[a]"),
        ("a pipe", b'a|b<c>d"e'),
        ("an option", b"-rf"),
        ("256 bytes", b"x" * 256),
        ("5,000 bytes", b"x" * 5000),
        ("255 bytes of emoji", "\U0001f600".encode() * 64),
        ("html", b"<img src=x onerror=alert(1)>"),
        ("desktop.ini", b"desktop.ini"),
        (".htaccess", b".htaccess"),
        (".ipynb_checkpoints", b".ipynb_checkpoints"),
    ]
    devices = ("CON", "prn", "AUX", "NUL", "COM1", "COM1.txt", "LPT9.csv", "CONIN$", "con .txt")
    single += [(f"the device {device}", device.encode()) for device in devices]
    single.append(("a superscript device", "COM\u00b9".encode()))
    for what, name in single:
        yield what, [(name,)]
    for what, name in single[:14]:
        yield f"a folder called {what}", [(name, b"data.csv")]
    yield "two of one name", [(b"a.csv",), (b"a.csv",)]
    yield "two that differ in case", [(b"a.csv",), (b"A.CSV",)]
    yield "two forms of one letter", [("\u00e9".encode(),), ("e\u0301".encode(),)]
    yield "two that end alike", [(b"a",), (b"a.",), (b"a ",)]
    yield "a file that is a folder", [(b"a",), (b"a", b"b")]
    yield "a folder that is a file", [(b"a", b"b"), (b"a",)]
    yield "no path at all", [()]
    yield "60 folders deep", [(b"d",) * 60 + (b"data.csv",)]
    yield "5,000 folders deep", [(b"d",) * 5000]
    yield "a numbered clash", [(b"a.csv",), (b"a.csv",), (b"a (1).csv",)]
    yield "1,000 of one name", [(b"a.csv",)] * 1000


def torrent_with(paths: list[tuple[bytes, ...]], name: bytes = b"lesson") -> bytes:
    """A .torrent of files of one byte each, which are all zeros."""
    total = len(paths)
    return _torrent(
        {
            "name": name,
            "files": [{"length": 1, "path": list(path)} for path in paths],
            "pieces": _zeros_hashed(total),
        }
    )


def _zeros_hashed(total: int) -> bytes:
    return b"".join(sha1(bytes(min(PIECE, total - at))).digest() for at in range(0, total, PIECE))


def _info(changes: Fields | None = None) -> dict[str, Encodable]:
    info: dict[str, Encodable | None] = {
        "name": "lesson",
        "piece length": PIECE,
        "pieces": bytes(20),
        "files": [{"length": 100, "path": ["data.csv"]}],
        **(changes or {}),
    }
    return {key: value for key, value in info.items() if value is not None}


def _torrent(changes: Fields) -> bytes:
    return bencode.encode({"info": _info(changes)})


def _bytes_that_are_no_torrent() -> Iterator[tuple[str, bytes]]:
    whole = _torrent({})
    yield "no bytes", b""
    yield "a web page", b"<!doctype html><title>404</title>"
    yield "a number", b"i1e"
    yield "a list", b"le"
    yield "an empty dictionary", b"de"
    yield "half a torrent", whole[: len(whole) // 2]
    yield "a torrent and a half", whole + whole[:10]
    yield "a million lists", b"l" * 1_000_000
    yield "a million dictionaries", b"d1:a" * 250_000
    yield "a million empty lists", b"d4:infol" + b"le" * 500_000 + b"ee"
    yield "a million digits", b"d4:infoi" + b"9" * 1_000_000 + b"ee"
    yield "a string of a terabyte", b"d4:info1099511627776:x"
    yield "a length of a million digits", b"d4:info" + b"1" * 1_000_000 + b":"
    yield "a negative length", b"d4:info-5:abcde"
    yield "minus nothing", b"d4:infoi-0ee"
    yield "leading zeros", b"d4:infod6:lengthi007eee"
    yield "a length with a sign", b"d4:info+3:abce"
    yield "keys twice", b"d4:infode4:infodee"
    yield "a key that is no string", b"di1e4:infoe"
    yield "info that is a string", b"d4:info3:abce"
    yield "eleven megabytes", b"d4:info" + b"11000000:" + bytes(11_000_000) + b"e"
    yield "floats", b"d4:infod6:lengthi1.5eee"


def _info_changes() -> dict[str, Fields]:
    one: Fields = {"files": None}
    return {
        "no name": {"name": None},
        "a name that is a number": {"name": 5},
        "an empty name": {"name": ""},
        "a name that is a path": {"name": "../../x"},
        "no piece length": {"piece length": None},
        "a piece length of 0": {"piece length": 0},
        "a negative piece length": {"piece length": -PIECE},
        "a piece length of 1": {"piece length": 1},
        "a piece length of 1 GiB": {"piece length": 1 << 30},
        "a piece length of 2**63": {"piece length": 1 << 63},
        "a piece length that is text": {"piece length": "big"},
        "no pieces": {"pieces": None},
        "pieces that are a list": {"pieces": [bytes(20)]},
        "19 bytes of pieces": {"pieces": bytes(19)},
        "too many pieces": {"pieces": bytes(40)},
        "too few pieces": {"pieces": b""},
        "three million pieces": {"pieces": bytes(3_000_000)},
        "no files": {"files": None},
        "an empty list of files": {"files": []},
        "files that are a dictionary": {"files": {}},
        "a file that is a number": {"files": [5]},
        "a file without a length": {"files": [{"path": ["a"]}]},
        "a file without a path": {"files": [{"length": 100}]},
        "a path that is text": {"files": [{"length": 100, "path": "a"}]},
        "a path of numbers": {"files": [{"length": 100, "path": [1, 2]}]},
        "a negative file": {"files": [{"length": -100, "path": ["a"]}]},
        "a file of 2**62 bytes": {"files": [{"length": 1 << 62, "path": ["a"]}]},
        "files whose sum overflows": {
            "files": [{"length": 1 << 63, "path": [f"{n}"]} for n in range(3)]
        },
        "sizes that cancel out": {
            "files": [{"length": 200, "path": ["a"]}, {"length": -100, "path": ["b"]}]
        },
        "only empty files": {"files": [{"length": 0, "path": ["a"]}], "pieces": b""},
        "a petabyte": {**one, "length": 1 << 50, "piece length": 1 << 26, "pieces": bytes(20)},
        "a length of 0": {**one, "length": 0, "pieces": b""},
        "a length of -1": {**one, "length": -1},
        "a length that is text": {**one, "length": "100"},
        "both a length and files": {"length": 100},
        "padding alone": {"files": [{"length": 100, "path": [".pad"], "attr": "p"}]},
        "private as text": {"private": "yes"},
        "v2 alone": {**one, "pieces": None, "meta version": 2, "file tree": {}},
        "a version to come": {"meta version": 3},
        "a name of a megabyte": {"name": "x" * 1_000_000},
        "200,000 files": {
            "files": [{"length": 0, "path": ["a"]} for _ in range(200_000)],
        },
    }


def _outer_fields() -> dict[str, dict[str, Encodable]]:
    return {
        "an announce that is a number": {"announce": 5},
        "a tracker of the file system": {"announce": "file:///etc/passwd"},
        "an announce-list that is text": {"announce-list": "http://a.example/"},
        "an announce-list of lists of lists": {"announce-list": [[["http://a.example/"]]]},
        "100,000 trackers": {"announce-list": [["http://a.example/"]] * 100_000},
        "a web seed that is a dictionary": {"url-list": {}},
        "a web seed of the file system": {"url-list": ["file:///etc/passwd"]},
        "a web seed with a line break": {"url-list": "http://a.example/\r\nX: y"},
        "100,000 web seeds": {"url-list": ["http://a.example/"] * 100_000},
        "nodes that are a number": {"nodes": 7},
        "a comment of a megabyte": {"comment": "x" * 1_000_000},
        "a date that is text": {"creation date": "today"},
    }
