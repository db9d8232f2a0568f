"""A small store of records that survives crashes, power cuts and flipped bits: SQLite, one process a file.

Knows keys and bytes; what a record means is left to `journal`. A record whose checksum does not fit does not
exist. Several processes of one user have a file (a slot) each, and who comes later inherits what the dead left.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.paths import shown

log = logging.getLogger(__name__)

MAX_SLOTS: Final = 64
"""Processes of one user that keep state in one folder."""

_SCHEMA_KEY: Final = "schema"
_SCHEMA: Final = b"1"
_CHECKSUM_BYTES: Final = 16
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS records (key BLOB PRIMARY KEY, value BLOB, checksum BLOB)"
)
_TAKEN: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNUSABLE: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_PERM})
"""A folder or disk that refuses: the file itself may be in order."""
_PUT: Final = "INSERT OR REPLACE INTO records VALUES (?, ?, ?)"
_DELETE: Final = "DELETE FROM records WHERE key = ?"


_DAMAGED: Final = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY}
)


_ERRORS: Final = (sqlite3.Error, UnicodeError)
"""The second is what Python makes of an error message that quotes a damaged schema."""


class StateDamagedError(StorageError):
    """The file is no database of ours any more."""


class SlotTakenError(Exception):
    """Another session, of this process or another, has the file."""


class StateDatabase:
    """The records of one session, held by it alone until `close`. Blocking and thread-safe."""

    def __init__(self, path: Path) -> None:
        """Open one slot; raises SlotTakenError, and StorageError if no file can be kept there.

        A damaged file is set aside, and what can be read of it is kept.
        """
        self.path: Final = path
        self.records: dict[str, bytes] = {}
        """What was found: only records that are as they were written. For the owner to take."""
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection, is_whole = _open(path, self.records)
        except _ERRORS as error:
            raise _plain(path, error) from error
        if self.records.pop(_SCHEMA_KEY, _SCHEMA) != _SCHEMA:
            self.close()
            raise SlotTakenError(f"{path} is of a later version")
        if not is_whole:
            log.warning("%s is damaged: %d records of it are left", path, len(self.records))
            self.rebuild(self.records)

    @classmethod
    def open(cls, folder: Path) -> tuple[StateDatabase, list[StateDatabase]]:
        """Take the first free slot of a folder, and all that ended processes left in others.

        Close the others as soon as their records are copied and deleted. Raises StorageError.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot make {shown(str(folder))}: {error.strerror}") from error
        for number in range(MAX_SLOTS):
            path = slot_path(folder, number)
            try:
                own = cls(path)
            except SlotTakenError:
                continue
            return own, [*_abandoned(folder, path)]
        raise StorageError(f"{MAX_SLOTS} sessions keep their state in {shown(str(folder))} already")

    def read(self) -> dict[str, bytes]:
        """All good records as they are now; raises StorageError."""
        records: dict[str, bytes] = {}
        with self._lock:
            try:
                _read(self._open_connection(), records)
            except _ERRORS as error:
                raise _plain(self.path, error) from error
        records.pop(_SCHEMA_KEY, None)
        return records

    def commit(self, changes: Mapping[str, bytes | None]) -> None:
        """Write records, or delete those that are None: all of them last through a power cut, or none.

        Raises StateDamagedError if the file wants `rebuild`, and other StorageErrors.
        """
        with self._lock:
            try:
                self._write(changes)
            except _ERRORS as error:
                raise _plain(self.path, error) from error

    def rebuild(self, records: Mapping[str, bytes]) -> None:
        """Set a damaged file aside and begin a new one with these records; raises StorageError."""
        with self._lock:
            try:
                self._disconnect()
                _set_aside(self.path)
                self._connection = _connect(self.path)
                self._write(records)
            except (*_ERRORS, OSError) as error:
                raise _plain(self.path, error) from error

    def close(self) -> None:
        """Let the next one have the slot. Does nothing the second time."""
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError("it is closed")
        return self._connection

    def _write(self, changes: Mapping[str, bytes | None]) -> None:
        with self._open_connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_TABLE)
            rows = {_SCHEMA_KEY: _SCHEMA, **changes}
            for key, value in rows.items():
                name = key.encode()
                if value is None:
                    connection.execute(_DELETE, (name,))
                else:
                    connection.execute(_PUT, (name, value, _checksum(name, value)))


def slot_path(folder: Path, number: int) -> Path:
    """Where the slots are: `state-0.sqlite`, `state-1.sqlite`, …"""
    return folder / f"state-{number}.sqlite"


def any_record(folder: Path, prefix: str) -> bool:
    """Whether a slot that nobody holds has a record whose key begins so; changes nothing a person would see."""
    for path in sorted(folder.glob("state-*.sqlite")):
        with suppress(SlotTakenError, StorageError), closing(StateDatabase(path)) as slot:
            if any(key.startswith(prefix) for key in slot.records):
                return True
    return False


def _abandoned(folder: Path, own: Path) -> Iterator[StateDatabase]:
    for path in sorted(folder.glob("state-*.sqlite")):
        if path != own:
            with suppress(SlotTakenError, StorageError):
                yield StateDatabase(path)


def _open(path: Path, records: dict[str, bytes]) -> tuple[sqlite3.Connection | None, bool]:
    """Take the lock, and put every good record into `records`; whether nothing is amiss with the file."""
    _create_private(path)
    connection: sqlite3.Connection | None = None
    try:
        connection = _connect(path)
        is_whole = _read(connection, records)
        # The lock is for good from now on; and this shows whether the file can be written.
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_TABLE)
    except _ERRORS as error:
        if connection is not None:
            connection.close()
        if _code(error) in _TAKEN:
            raise SlotTakenError(str(path)) from error
        if _code(error) in _UNUSABLE:
            raise
        return None, False
    return connection, is_whole


def _create_private(path: Path) -> None:
    """Made by us so that only its owner can read it; an existing one is never opened here: to close any
    descriptor of a database ends this process's locks on it."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    with suppress(OSError):
        os.close(os.open(path, flags, 0o600))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.text_factory = bytes
        # Exclusive before WAL: then there is no shared memory, which network homes do not have.
        for pragma in (
            "locking_mode=EXCLUSIVE",
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "synchronous=FULL",
            "journal_mode=WAL",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _read(connection: sqlite3.Connection, records: dict[str, bytes]) -> bool:
    """Put every good record into `records`, from either end of a damaged table; whether nothing was amiss."""
    (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not count:
        return True
    try:
        is_whole = connection.execute("PRAGMA quick_check(1)").fetchall() == [(b"ok",)]
    except _ERRORS as error:
        if _code(error) in _TAKEN:
            raise
        is_whole = False
    for order in ("ASC",) if is_whole else ("ASC", "DESC"):
        try:
            for row in connection.execute(f"SELECT * FROM records ORDER BY key {order}"):
                is_whole &= _take(row, records)
        except _ERRORS as error:
            if _code(error) in _TAKEN:
                raise
            is_whole = False
    return is_whole


def _take(row: tuple[object, ...], records: dict[str, bytes]) -> bool:
    match row:
        case (bytes() as key, bytes() as value, bytes() as checksum):
            if checksum == _checksum(key, value):
                records[key.decode()] = value
                return True
    return False


def _checksum(key: bytes, value: bytes) -> bytes:
    """SQLite's own check does not see a flipped bit in a value."""
    digest = hashlib.blake2b(digest_size=_CHECKSUM_BYTES)
    digest.update(len(key).to_bytes(4, "big") + key + value)
    return digest.digest()


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _set_aside(path: Path) -> None:
    """Keep a damaged file for whoever wants to look, the last one only."""
    with suppress(OSError):
        os.replace(path, path.with_suffix(".damaged"))
    for ending in ("-wal", "-shm", "-journal"):
        with suppress(OSError):
            path.with_name(path.name + ending).unlink()
    _create_private(path)


def _plain(path: Path, error: Exception) -> StorageError:
    is_damaged = isinstance(error, UnicodeError) or _code(error) in _DAMAGED
    kind = StateDamagedError if is_damaged else StorageError
    return kind(f"cannot keep state in {shown(str(path))}: {error}")
