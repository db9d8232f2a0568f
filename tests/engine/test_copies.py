"""Notebooks shared from copies: an editor that saves one ends no share, and copies last as long as theirs."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jupyter_webtorrent.engine import running
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.schema.transfers import ShareRequest, TransferState
from jupyter_webtorrent.storage.errors import StorageError
from tests.engine.classroom import Classroom, Machine, all_done, classroom, digest, until

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]


def notebook(path: Path, text: str = "first") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [text] * 1000}))
    return path


def course(folder: Path) -> Path:
    for name in ("1.ipynb", "sub/2.ipynb"):
        notebook(folder / "course" / name, name)
    (folder / "course" / "data.csv").write_text("a,b\n" * 10_000)
    return folder / "course"


@asynccontextmanager
async def computer(room: Classroom, name: str) -> AsyncIterator[Machine]:
    """A machine with a state, whose session ends with the `with`."""
    async with room.session(name, state_folder=room.folder / "state") as session:
        yield Machine(name, session, room.folder)


async def share(machine: Machine, *paths: Path) -> Torrent:
    request = ShareRequest(paths=[str(path) for path in paths], copy_notebooks=True)
    return await machine.session.share(request)


def copies(room: Classroom) -> list[Path]:
    """The files that are copies."""
    found = (room.folder / "state" / "copies").rglob("*")
    return sorted(path for path in found if path.is_file() and path.name != ".lock")


async def test_a_notebook_that_is_saved_is_fetched_as_it_was_shared(tmp_path: Path) -> None:
    original = notebook(tmp_path / "lesson.ipynb")
    before = digest(original)
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        shared = await share(teacher, original)
        notebook(original, "second")
        transfer = teacher.session.transfer(shared)
        assert transfer.notice == (
            "lesson.ipynb is shared as it is now; share it again after you change it"
        )
        assert transfer.paths == [str(original)]
        student = await room.machine("student")
        fetched = await student.fetch(shared, [teacher.address])
        await all_done([fetched], 60)
        assert digest(student.folder / "lesson.ipynb") == before
        assert teacher.session.transfer(shared).notice == transfer.notice
        again = await share(teacher, original)
        assert again.info_hash != shared.info_hash
        assert len(copies(room)) == 2


async def test_notebooks_in_folders_are_copied_and_data_stays_where_it_is(tmp_path: Path) -> None:
    folder = course(tmp_path)
    expected = digest(folder)
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        shared = await share(teacher, folder)
        assert [path.name for path in copies(room)] == ["1.ipynb", "2.ipynb"]
        notice = teacher.session.transfer(shared).notice
        assert notice == (
            "2 notebooks are shared as they are now; share them again after you change them"
        )
        (folder / "1.ipynb").unlink()
        notebook(folder / "sub" / "2.ipynb", "changed")
        student = await room.machine("student")
        await all_done([await student.fetch(shared, [teacher.address])], 60)
        assert digest(student.folder / "course") == expected


async def test_without_notebooks_there_are_no_copies_and_no_notice(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("a,b\n")
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        shared = await share(teacher, data)
        assert teacher.session.transfer(shared).notice == ""
        assert list((tmp_path / "state" / "copies").iterdir()) == []


async def test_copies_go_with_their_torrent_and_originals_stay(tmp_path: Path) -> None:
    folder = course(tmp_path)
    before = digest(folder)
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        shared = await share(teacher, folder)
        await teacher.session.remove(shared.info_hash, delete_data=True)
        assert list((tmp_path / "state" / "copies").iterdir()) == []
        assert digest(folder) == before


async def test_two_shares_of_the_same_are_one_torrent_with_one_set_of_copies(
    tmp_path: Path,
) -> None:
    folder = course(tmp_path)
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        first = await share(teacher, folder)
        assert await share(teacher, folder) is first
        assert len(copies(room)) == 2
        assert len(list((tmp_path / "state" / "copies").iterdir())) == 1
        # One that failed, or lost its copies, is replaced by the next.
        copies(room)[0].unlink()
        first.data.guard.changed([0])
        await until(lambda: "is not where it was" in teacher.session.transfer(first).notice)
        second = await share(teacher, folder)
        assert second is not first
        assert second.state is TransferState.SEEDING
        assert len(list((tmp_path / "state" / "copies").iterdir())) == 1


async def test_what_was_shared_in_its_place_is_shared_from_copies_when_that_is_asked(
    tmp_path: Path,
) -> None:
    folder = course(tmp_path)
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        in_place = await teacher.share(folder)
        copied = await share(teacher, folder)
        assert copied.info_hash == in_place.info_hash
        assert len(copies(room)) == 2
        assert await teacher.share(folder) is copied


async def test_copies_outlive_their_session_and_leftovers_do_not(tmp_path: Path) -> None:
    original = notebook(tmp_path / "lesson.ipynb")
    before = digest(original)
    async with classroom(tmp_path) as room:
        async with computer(room, "teacher") as teacher:
            shared = await share(teacher, original)
        notebook(original, "second")
        lost = tmp_path / "state" / "copies" / "lost"
        notebook(lost / "0" / "lesson.ipynb")
        (lost / ".lock").touch()
        async with computer(room, "teacher") as teacher:
            (again,) = teacher.session.torrents.values()
            await until(lambda: again.state is TransferState.SEEDING)
            assert not lost.exists()
            student = await room.machine("student")
            await all_done([await student.fetch(shared, [teacher.address])], 60)
            assert digest(student.folder / "lesson.ipynb") == before
            assert "is shared as it is now" in teacher.session.transfer(again).notice
            assert teacher.session.transfer(again).paths == [str(original)]


async def test_another_session_of_the_same_state_leaves_the_copies_alone(tmp_path: Path) -> None:
    original = notebook(tmp_path / "lesson.ipynb")
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        await share(teacher, original)
        async with computer(room, "second") as second:
            assert not second.session.torrents
        assert len(copies(room)) == 1


async def test_without_a_state_the_copies_end_with_the_session(tmp_path: Path) -> None:
    original = notebook(tmp_path / "lesson.ipynb")
    async with classroom(tmp_path) as room:
        async with room.session("teacher") as session:
            shared = await share(Machine("teacher", session, tmp_path), original)
            assert shared.shared is not None
            (copy,) = shared.shared.files
            assert copy.exists()
        assert not copy.parents[3].exists()


async def test_a_share_that_fails_leaves_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = notebook(tmp_path / "lesson.ipynb")
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        with pytest.raises(StorageError, match="cannot share"):
            await share(teacher, original, tmp_path / "gone.ipynb")

        async def refuse(_: Session) -> None:
            raise NetError("the port is taken")

        monkeypatch.setattr(Session, "listen", refuse)
        with pytest.raises(NetError, match="the port is taken"):
            await share(teacher, original)
        assert list((tmp_path / "state" / "copies").iterdir()) == []


async def test_a_share_too_many_leaves_no_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = notebook(tmp_path / "lesson.ipynb")
    monkeypatch.setattr(running, "MAX_TORRENTS", 0)
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        with pytest.raises(EngineError, match="a session holds 0 torrents"):
            await share(teacher, original)
        assert list((tmp_path / "state" / "copies").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="it has other locks")
async def test_without_locks_nothing_counts_as_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    original = notebook(tmp_path / "lesson.ipynb")
    monkeypatch.setattr("fcntl.flock", flock)
    async with classroom(tmp_path) as room, computer(room, "teacher") as teacher:
        await share(teacher, original)
        before = copies(room)
        async with computer(room, "other"):
            pass
        assert copies(room) == before != []
