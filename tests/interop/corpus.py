"""What the tests send: random files, never a whole number of pieces, and the digests of what arrived."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from pathlib import Path

FOLDER = {
    "README.md": 1_234,
    "data/empty.csv": 0,
    "data/penguins.csv": 700_001,
    "data/Größe & Gewicht/数据.bin": 900_017,
    "notebooks/Übung 1.ipynb": 54_321,
    "notebooks/tiefer/und tiefer/naïve 🐧.png": 333_333,
}
"""Relative paths and their bytes: nested, one file empty, names beyond ASCII, few of them piece-aligned."""


CHUNK = 1 << 20


def write_file(path: Path, size: int, *, seed: str) -> Path:
    """Write `size` random bytes, the same for the same `seed`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = random.Random(seed)
    with path.open("wb") as file:
        for done in range(0, size, CHUNK):
            file.write(source.randbytes(min(CHUNK, size - done)))
    return path


def write_folder(path: Path, *, seed: str) -> Path:
    """Write the FOLDER tree."""
    for name, size in FOLDER.items():
        write_file(path / name, size, seed=f"{seed} {name}")
    return path


def digests(folder: Path) -> Mapping[str, str]:
    """SHA-256 of every file below `folder`, hidden and left-over ones too, by its path with `/`."""
    return {
        file.relative_to(folder).as_posix(): _digest(file)
        for file in folder.rglob("*")
        if file.is_file()
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
