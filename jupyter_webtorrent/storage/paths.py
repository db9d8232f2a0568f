"""File names from strangers made into names that every disk takes: pure functions, no disk is touched.

The same torrent gets the same names on Linux, macOS and Windows, so that its folder can be moved between
them. Opening them without following a symbolic link is left to `files`.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.protocol.printable import printable
from jupyter_webtorrent.storage.errors import UnsafePathError

MAX_NAME_BYTES: Final = 255
"""What a name may have on the common file systems: bytes of UTF-8, so never more UTF-16 units either."""

MAX_DEPTH: Final = 64
"""Folders within folders; a path of more is refused."""

MAX_PATH_BYTES: Final = 3072
"""Below PATH_MAX (4096 on Linux) with room for the folder of the download."""

PART_SUFFIX: Final = ".wtpart"
LOCK_SUFFIX: Final = ".wtpart.lock"

_MAX_SHOWN: Final = 300
"""Characters: more than any name has, so that only long paths are cut."""

_FORBIDDEN: Final = frozenset('/\\:*?"<>|')
_INVISIBLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, bidi and zero-width marks, lone surrogates, line separators."""
_DEVICES: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"}
    | {f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"}
)
_EXECUTED: Final = frozenset({".git"})
"""Git, and every prompt and extension that asks it for a status, runs commands that stand in here."""


def safe_name(name: str) -> str:
    """A torrent's own name, as a file or folder of a user's: as `safe_names` does, and never hidden."""
    safe = _safe_component(name)
    return f"_{safe[1:]}" if safe.startswith(".") else safe


def safe_names(info: Info) -> tuple[tuple[str, ...], ...]:
    """The path of each file of `info.files`, in order, below the torrent's folder.

    For a single file it is `(safe_name(info.name),)`. Bad characters become `_`; names that one of the
    common file systems takes for the same, or that are a file here and a folder there, get ` (1)`, ` (2)`.
    Padding files (BEP 47) get a path too, though nothing is written there. Raises UnsafePathError for a
    path that is too deep or too long.
    """
    if info.single_file:
        return ((safe_name(info.name),),)
    return tuple(_Folder().place([file.path for file in info.files]))


def name_key(name: str) -> str:
    """Names with one key are one file on some disk: case (NTFS, APFS) and composition (APFS) are ignored."""
    folded = unicodedata.normalize("NFD", name).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded).casefold())


def numbered(name: str, number: int, *, keep_suffix: bool = True) -> str:
    """`data.csv`, `data (1).csv`, `data (2).csv`; without `keep_suffix`, as for folders, `v1.2 (1)`."""
    if number == 0:
        return name
    stem, suffix = _split_suffix(name) if keep_suffix else (name, "")
    return _fit(stem, f" ({number}){suffix}")


def part_name(name: str) -> str:
    """Where `name` grows: the hidden sibling `.name.wtpart`."""
    return _hidden(name) + PART_SUFFIX


def lock_name(name: str) -> str:
    """What is locked while `name` grows: `.name.wtpart.lock`."""
    return _hidden(name) + LOCK_SUFFIX


def shown(text: str) -> str:
    """A name for an error message, printable; of one that is too long for a line only the ends."""
    if len(text) > _MAX_SHOWN:
        text = f"{text[: _MAX_SHOWN // 2]}...{text[-_MAX_SHOWN // 2 :]}"
    return printable(text)


def _safe_component(name: str) -> str:
    safe = "".join("_" if _is_bad(character) else character for character in name)
    safe = unicodedata.normalize("NFC", safe)
    visible = safe.rstrip(". ")
    safe = _fit(*_split_suffix(visible + "_" * (len(safe) - len(visible)))) or "_"
    # After the cut: it can lay bare what stood before it.
    device = safe.partition(".")[0].rstrip(" ").upper() in _DEVICES
    if device or name_key(safe) in _EXECUTED:
        safe = _fit(*_split_suffix(f"_{safe}"))
    if safe.casefold().endswith((PART_SUFFIX, LOCK_SUFFIX)):
        safe = f"{safe[:-1]}_"
    return safe


def _is_bad(character: str) -> bool:
    return character in _FORBIDDEN or unicodedata.category(character) in _INVISIBLE_CATEGORIES


def _split_suffix(name: str) -> tuple[str, str]:
    """`("data", ".csv")`, `("data", ".tar.gz")`, `(".gitignore", "")`; a suffix is at most 32 bytes."""
    stem, dot, suffix = name.rpartition(".")
    if not stem.strip("."):
        return name, ""
    if stem.casefold().endswith(".tar") and len(stem) > len(".tar"):
        stem, dot = stem[:-4], stem[-4:] + dot
    suffix = dot + suffix
    return (stem, suffix) if len(suffix.encode()) <= 32 else (name, "")


def _hidden(name: str) -> str:
    """`.name`, cut so that both suffixes fit; names that differ only where they are cut stay different."""
    room = MAX_NAME_BYTES - len(LOCK_SUFFIX)
    if len(name.encode()) < room:
        return f".{name}"
    digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:8]
    return _fit(f".{name}", f"~{digest}", room)


def _fit(stem: str, ending: str, room: int = MAX_NAME_BYTES) -> str:
    """`stem + ending` in at most `room` bytes: the stem is cut between characters."""
    room -= len(ending.encode())
    encoded = stem.encode()
    if len(encoded) > room:
        stem = encoded[:room].decode(errors="ignore").rstrip(". ") or "_"
    return stem + ending


class _Folder:
    """One folder of a torrent while its names are chosen, in the torrent's order."""

    def __init__(self) -> None:
        self._folders: dict[str, tuple[str, _Folder]] = {}
        """By the name in the torrent: a folder that two files name is one folder."""
        self._taken: set[str] = set()
        self._numbers: defaultdict[str, int] = defaultdict(int)
        """The last number tried: a million files of one name must not take a million tries each."""

    def place(self, paths: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        placed = []
        for path in paths:
            if not path:
                raise UnsafePathError("a file of this torrent has no name")
            if len(path) > MAX_DEPTH:
                raise UnsafePathError(
                    f"a file of this torrent is {len(path)} folders deep: at most {MAX_DEPTH} are taken"
                )
            folder = self
            safe = []
            for component in path[:-1]:
                name, folder = folder._enter(component)
                safe.append(name)
            safe.append(folder._claim(path[-1]))
            if sum(len(name.encode()) + 1 for name in safe) > MAX_PATH_BYTES:
                raise UnsafePathError(
                    f"a path of this torrent is longer than {MAX_PATH_BYTES} bytes:"
                    f" {shown('/'.join(safe)[:60])}..."
                )
            placed.append(tuple(safe))
        return placed

    def _enter(self, component: str) -> tuple[str, _Folder]:
        if component not in self._folders:
            self._folders[component] = (self._claim(component, folder=True), _Folder())
        return self._folders[component]

    def _claim(self, component: str, *, folder: bool = False) -> str:
        wanted = name = _safe_component(component)
        key = name_key(wanted)
        while name_key(name) in self._taken:
            self._numbers[key] += 1
            name = numbered(wanted, self._numbers[key], keep_suffix=not folder)
        self._taken.add(name_key(name))
        return name
