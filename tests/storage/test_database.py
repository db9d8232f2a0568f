"""Records that last: slots, inheritance, damage."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_webtorrent.storage.database import (
    SlotTakenError,
    StateDamagedError,
    StateDatabase,
    any_record,
    slot_path,
)
from jupyter_webtorrent.storage.errors import StorageError


def records_of(folder: Path) -> dict[str, bytes]:
    database, _ = StateDatabase.open(folder)
    database.close()
    return database.records


def test_what_was_committed_is_there_again(tmp_path: Path) -> None:
    database, abandoned = StateDatabase.open(tmp_path / "state")
    assert not abandoned
    database.commit({"a": b"1", "b": bytes(100_000)})
    database.commit({"a": None, "c": b""})
    database.close()
    assert records_of(tmp_path / "state") == {"b": bytes(100_000), "c": b""}


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    database, _ = StateDatabase.open(tmp_path / "state")
    database.commit({"a": b"1"})
    for path in [tmp_path / "state", *(tmp_path / "state").iterdir()]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    database.close()


def test_each_session_has_a_slot_and_the_next_one_inherits_the_others(tmp_path: Path) -> None:
    first, _ = StateDatabase.open(tmp_path)
    second, abandoned = StateDatabase.open(tmp_path)
    assert not abandoned
    assert (first.path, second.path) == (slot_path(tmp_path, 0), slot_path(tmp_path, 1))
    first.commit({"a": b"1"})
    second.commit({"b": b"2"})
    second.close()
    with pytest.raises(SlotTakenError):
        StateDatabase(slot_path(tmp_path, 0))
    first.close()
    third, abandoned = StateDatabase.open(tmp_path)
    assert third.records == {"a": b"1"}
    assert [slot.records for slot in abandoned] == [{"b": b"2"}]
    with pytest.raises(SlotTakenError):
        StateDatabase(slot_path(tmp_path, 1))
    for slot in (third, *abandoned):
        slot.close()


def test_a_process_that_is_killed_leaves_its_slot(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "from jupyter_webtorrent.storage.database import StateDatabase\n"
        "database, _ = StateDatabase.open(pathlib.Path(sys.argv[1]))\n"
        "database.commit({'a': b'1'})\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(SlotTakenError):
            StateDatabase(slot_path(tmp_path, 0))
        process.communicate()
    assert records_of(tmp_path) == {"a": b"1"}


def test_a_record_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    later, _ = StateDatabase.open(tmp_path)
    later.commit({"schema": b"99", "a": b"1"})
    later.close()
    ours, _ = StateDatabase.open(tmp_path)
    assert ours.path == slot_path(tmp_path, 1)
    ours.close()


def test_a_flipped_bit_in_a_record_costs_that_record_alone(tmp_path: Path) -> None:
    database, _ = StateDatabase.open(tmp_path)
    database.commit({"a": b"A" * 1000, "b": b"B" * 1000})
    database.close()
    path = slot_path(tmp_path, 0)
    path.write_bytes(path.read_bytes().replace(b"A" * 1000, b"A" * 999 + b"C"))
    assert records_of(tmp_path) == {"b": b"B" * 1000}
    assert path.with_suffix(".damaged").exists()


def test_what_is_no_database_is_set_aside(tmp_path: Path) -> None:
    slot_path(tmp_path, 0).write_text("something else\n" * 1000)
    database, _ = StateDatabase.open(tmp_path)
    assert not database.records
    database.commit({"a": b"1"})
    database.close()
    assert records_of(tmp_path) == {"a": b"1"}


def test_a_file_that_is_spoilt_amid_a_session_is_built_anew(tmp_path: Path) -> None:
    database, _ = StateDatabase.open(tmp_path)
    database.commit({"a": b"1"})
    with database._lock:
        assert database._connection is not None
        database._connection.execute("DROP TABLE records")
        database._connection.execute("CREATE TABLE records (other)")
    with pytest.raises(StateDamagedError):
        database.commit({"b": b"2"})
    database.rebuild({"a": b"1", "b": b"2"})
    database.close()
    assert records_of(tmp_path) == {"a": b"1", "b": b"2"}


def test_a_folder_that_cannot_be_made_is_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"^cannot make .*file/state: Not a directory$"):
        StateDatabase.open(tmp_path / "file" / "state")


def test_whether_there_is_anything_can_be_asked_without_taking_a_slot(tmp_path: Path) -> None:
    assert not any_record(tmp_path / "nothing", "torrent/")
    database, _ = StateDatabase.open(tmp_path)
    database.commit({"clean": b""})
    database.close()
    assert not any_record(tmp_path, "torrent/")
    database, _ = StateDatabase.open(tmp_path)
    database.commit({"torrent/x": b""})
    assert not any_record(tmp_path, "torrent/")  # that one is somebody's already
    database.close()
    assert any_record(tmp_path, "torrent/")


def test_it_needs_no_shared_memory(tmp_path: Path) -> None:
    database, _ = StateDatabase.open(tmp_path)
    database.commit({"a": b"1"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "state-0.sqlite",
        "state-0.sqlite-wal",
    ]
    assert database._connection is not None
    assert database._connection.execute("PRAGMA journal_mode").fetchone() == (b"wal",)
    database.close()
