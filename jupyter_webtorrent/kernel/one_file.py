"""A fetch that is to end in one file: which it is, where, and whether its hash is the one that was meant."""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Self

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.errors import TransferFailedError
from jupyter_webtorrent.kernel.paths import StrPath
from jupyter_webtorrent.kernel.preview import Preview
from jupyter_webtorrent.kernel.transfer import Ready, Transfer, has_files, is_complete, knows_files
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import FileStatus

_ALGORITHMS: Final = ("sha256", "sha512", "sha1", "md5")
_HASH: Final = re.compile(rf"(?:({'|'.join(_ALGORITHMS)}):)?([0-9a-f]+)", re.IGNORECASE)
_SLICE_BYTES: Final = 8 << 20

FOLDER: Final = ".webtorrent"
"""Where it is kept beside what is asked for."""


class WrongHashError(TransferFailedError):
    """All of a file came, and it is not the one that was meant. It is still where it came to."""


@dataclass(frozen=True, slots=True)
class KnownHash:
    """What a file's content must come to."""

    algorithm: str
    digest: str
    """Lower-case hexadecimal."""

    @classmethod
    def from_text(cls, known: str) -> Self:
        """`algorithm:digest` as pooch has it, or a SHA-256 alone; raises WebTorrentError."""
        read = _HASH.fullmatch(known.strip())
        if read is not None:
            algorithm, digest = (read[1] or "sha256").lower(), read[2].lower()
            if len(digest) == 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size:
                return cls(algorithm, digest)
        raise WebTorrentError(
            f"A known hash is sha256:DIGEST in hexadecimal, or sha512, sha1 or md5, not {known[:100]!r}."
        )

    def is_of(self, path: Path) -> bool:
        """Read the file; raises OSError."""
        return self._of(path) == self.digest

    def check(self, path: Path) -> None:
        """Read the file; raises WrongHashError, and OSError."""
        found = self._of(path)
        if found != self.digest:
            raise WrongHashError(
                f"{text.short_name(path.name)} is not what was asked for: its {self.algorithm} is {found}, not "
                f"{self.digest}. It is kept, for you to look at: {text.place(str(path))}"
            )

    def _of(self, path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(
                file, lambda: hashlib.new(self.algorithm, usedforsecurity=False)
            ).hexdigest()


class Patience:
    """How many seconds to wait for one file in all, and whether a person sees it; it counts from its making."""

    def __init__(self, timeout: float | None = None, *, visibly: bool) -> None:
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._visibly = visibly

    def wait(self, transfer: Transfer, ready: Ready = is_complete, *, is_ours: bool) -> None:
        """As `wait_visibly`."""
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        if self._visibly:
            from jupyter_webtorrent.kernel.progress import wait_visibly

            wait_visibly(transfer, left, ready, is_ours=is_ours)
        else:
            for pause in transfer.pauses(left, ready):
                time.sleep(pause)


@dataclass(frozen=True, slots=True)
class OneFile:
    """A file of a transfer, all of which is here."""

    transfer: Transfer
    file: FileStatus

    @property
    def is_shared(self) -> bool:
        """Whether its original is a person's own, to change at any time; what is shared is what it was."""
        return self.transfer.known.shared

    def path(self) -> Path:
        """Where it is, or where its original is if it is shared; raises TransferFailedError."""
        parts = self.file.path.split("/")
        tops = self.transfer.paths
        if len(tops) == 1:
            found = [tops[0] if tops[0].is_file() else tops[0].joinpath(*parts)]
        else:  # shared as one folder
            found = [top.joinpath(*parts[1:]) for top in tops if top.name == parts[0]]
        for path in found:
            if path.is_file():
                return path
        # Its name does not suit this system, or it has been moved away.
        place = text.place(str(tops[0])) if tops else "its place"
        raise TransferFailedError(
            f"{text.short_name(self.file.path)} is not to be found by that name in {place}."
        )

    def write_to(self, target: Path) -> None:
        """Write what the torrent stands for, in place of what may be there; raises a WebTorrentError, and OSError."""
        client, info_hash, length = self.transfer.client, self.transfer.info_hash, self.file.length
        try:
            with target.open("wb") as written:
                for offset in range(0, length, _SLICE_BYTES):
                    count = min(_SLICE_BYTES, length - offset)
                    written.write(client.read(info_hash, self.file.path, offset, count))
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def fetch_known(preview: Preview, folder: StrPath, select: Sequence[str], known: KnownHash) -> Path:
    """Fetch the one file that the globs leave, wait for it and compare; raises a WebTorrentError."""
    one = fetch_one(
        preview,
        folder,
        lambda path: any(
            fnmatchcase(name, pattern)
            for pattern in select or ["*"]
            for name in (path, path.rpartition("/")[2])
        ),
        "choose one with select=",
        Patience(visibly="IPython" in sys.modules),
    )
    path = _copy_unless_known(one, Path(folder), known) if one.is_shared else one.path()
    known.check(path)
    return path


def fetch_one(
    preview: Preview,
    folder: StrPath,
    is_meant: Callable[[str], bool],
    advice: str,
    patience: Patience,
) -> OneFile:
    """Fetch the one file that is meant, by its path, and wait until it is here; raises a WebTorrentError.

    Nothing is fetched if these are several or none: `advice` tells a person how to name one.
    """
    try:
        transfer = Transfer(preview.client, preview.status)
        patience.wait(transfer, knows_files, is_ours=False)
        details = transfer.contents()
        meant = [file for file in details.files if is_meant(file.path)]
        if len(meant) != 1:
            name, files = text.name_of(details.transfer), text.count(len(details.files), "file")
            which = (
                f", and {len(meant)} of them are meant" if len(meant) < len(details.files) else ""
            )
            raise WebTorrentError(f"{name} has {files}{which}: {advice}.")
        if details.transfer.shared:
            patience.wait(transfer, has_files, is_ours=False)
            return OneFile(transfer, meant[0])
        transfer = preview.fetch(folder, [meant[0].index])
    finally:
        preview.cancel()
    patience.wait(transfer, is_ours=not preview.was_there)
    return OneFile(transfer, meant[0])


def _copy_unless_known(one: OneFile, folder: Path, known: KnownHash) -> Path:
    """The original that is shared, if it is still what is meant; else a copy of what is shared, beneath `folder`."""
    with suppress(OSError, TransferFailedError):
        original = one.path()
        if known.is_of(original):
            return original
    target = folder / FOLDER / one.transfer.info_hash / one.file.path.rpartition("/")[2]
    try:
        if target.is_file() and known.is_of(target):  # copied before
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        one.write_to(target)
    except OSError as error:
        raise WebTorrentError(f"{target} cannot be written: {text.reason_of(error)}.") from None
    return target
