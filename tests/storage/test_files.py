"""Small files that a person names: read whole, or refused at once in one plain line."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.files import read_small_file

assert sys.platform != "win32"  # these tests look behind POSIX calls


@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_small_file_is_read_whole(length: int, tmp_path: Path) -> None:
    (tmp_path / "a.torrent").write_bytes(bytes(length))
    assert read_small_file(tmp_path / "a.torrent", 100) == bytes(length)


def test_of_a_larger_file_one_byte_too_many_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.torrent").write_bytes(bytes(10_000))
    assert read_small_file(tmp_path / "a.torrent", 100) == bytes(101)


def test_a_link_that_is_named_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.torrent").write_bytes(b"there")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "b.torrent").symlink_to("folder/a.torrent")
    assert read_small_file(tmp_path / "b.torrent", 100) == b"there"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "link to a pipe"])
def test_what_is_not_a_plain_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.torrent"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case _:
            os.mkfifo(tmp_path / "pipe")
            path.symlink_to("pipe")
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(StorageError, match=r"^.*/a\.torrent is not a plain file$"):
        read_small_file(path, 100)
    assert len(os.listdir("/dev/fd")) == before


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's whole path has little room
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("a.torrent")
        with pytest.raises(StorageError, match=r"^cannot read .*/a\.torrent: No such device"):
            read_small_file(tmp_path / "a.torrent", 100)


def test_a_missing_file_is_one_plain_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^cannot read .*/a\.torrent: No such file"):
        read_small_file(tmp_path / "a.torrent", 100)


def test_a_link_to_itself_is_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "a.torrent").symlink_to("a.torrent")
    with pytest.raises(StorageError, match=r"^cannot read .*/a\.torrent: Too many levels"):
        read_small_file(tmp_path / "a.torrent", 100)


def test_what_may_not_be_read_is_one_plain_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError, match=r"^cannot read .*/a\.torrent: Permission denied$"):
        read_small_file(tmp_path / "a.torrent", 100)


@pytest.mark.parametrize("name", ["a\0.torrent", "a\ud800.torrent"])
def test_a_path_that_no_disk_can_have_is_one_plain_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^.*/a\ufffd\.torrent: not a path"):
        read_small_file(tmp_path / name, 100)


def test_a_name_that_is_too_long_is_one_line_of_bearable_length(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^cannot read .*: File name too long$") as caught:
        read_small_file(tmp_path / ("a" * 5000), 100)
    assert len(str(caught.value)) < 400
