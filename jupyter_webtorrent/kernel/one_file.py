"""A fetch that is to end in one file: which it is, where, and whether its hash is the one that was meant."""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Self

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.errors import TransferFailedError
from jupyter_webtorrent.kernel.preview import Preview
from jupyter_webtorrent.kernel.sharing import StrPath
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.transfers import (
    FileStatus,
    TransferDetails,
    TransferState,
)

_ALGORITHMS: Final = ("sha256", "sha512", "sha1", "md5")
_HASH: Final = re.compile(rf"(?:({'|'.join(_ALGORITHMS)}):)?([0-9a-f]+)", re.IGNORECASE)
_POLL_SECONDS: Final = 0.1


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

    def check(self, path: Path) -> None:
        """Read the file; raises WrongHashError, and OSError."""
        with path.open("rb") as file:
            found = hashlib.file_digest(
                file, lambda: hashlib.new(self.algorithm, usedforsecurity=False)
            ).hexdigest()
        if found != self.digest:
            raise WrongHashError(
                f"{text.short_name(path.name)} is not what was asked for: its {self.algorithm} is {found}, not "
                f"{self.digest}. It is kept, for you to look at: {text.place(str(path))}"
            )


def fetch_known(preview: Preview, folder: StrPath, select: Sequence[str], known: KnownHash) -> Path:
    """Fetch the one file that the globs leave, wait for it and compare; raises a WebTorrentError."""
    transfer, file = begin(
        preview,
        folder,
        lambda path: any(
            fnmatchcase(name, pattern)
            for pattern in select or ["*"]
            for name in (path, path.rpartition("/")[2])
        ),
        "choose one with select=",
    )
    if "IPython" in sys.modules:
        from jupyter_webtorrent.kernel.progress import wait_visibly

        wait_visibly(transfer)
    else:
        transfer.wait()
    path = path_of(transfer, file)
    known.check(path)
    return path


def begin(
    preview: Preview, folder: StrPath, is_meant: Callable[[str], bool], advice: str
) -> tuple[Transfer, FileStatus]:
    """Fetch the one file that is meant, by its path; nothing is, if these are several or none: a WebTorrentError.

    Returns when its name is known. `advice` tells a person how to name one.
    """
    try:
        details = _with_files(preview)
        meant = [file for file in details.files if is_meant(file.path)]
        if len(meant) != 1:
            name, files = text.name_of(details.transfer), text.count(len(details.files), "file")
            which = (
                f", and {len(meant)} of them are meant" if len(meant) < len(details.files) else ""
            )
            raise WebTorrentError(f"{name} has {files}{which}: {advice}.")
        return preview.fetch(folder, [meant[0].index]), meant[0]
    finally:
        preview.cancel()


def _with_files(preview: Preview) -> TransferDetails:
    """A transfer, once its files are known; raises TransferFailedError."""
    while not (details := preview.client.details(preview.info_hash)).files:
        status = details.transfer
        if status.state is TransferState.FAILED:
            raise TransferFailedError(f"{text.name_of(status)}: {one_line(status.error)}")
        time.sleep(_POLL_SECONDS)
    return details


def path_of(transfer: Transfer, file: FileStatus) -> Path:
    """Where a file of a transfer that is complete is; raises TransferFailedError."""
    (top,) = transfer.paths
    path = top if top.is_file() else top.joinpath(*file.path.split("/"))
    if not path.is_file():  # its name does not suit this system, or it has been moved away
        raise TransferFailedError(
            f"{text.short_name(file.path)} is not to be found by that name in {text.place(str(top))}."
        )
    return path
