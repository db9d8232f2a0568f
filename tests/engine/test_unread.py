"""Torrents on demand that nobody reads any more make way for others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_webtorrent.engine import unread
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.schema.transfers import TransferState
from tests.engine.classroom import classroom, until, write_random
from tests.engine.on_demand import look_into, read, request

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]


async def test_of_torrents_on_demand_that_nobody_reads_those_read_last_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "MAX_UNREAD", 1)
    monkeypatch.setattr(unread, "STILL_READ_SECONDS", 10.0)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        student = await room.machine("student", state_folder=tmp_path / "state")
        shared = [
            await teacher.share(write_random(room.folder / f"{number}.bin", 1 << 16, seed=number))
            for number in range(6)
        ]
        chosen, watched, first, second, *others = shared

        def are_kept(*torrents: Torrent) -> bool:
            return student.session.torrents.keys() == {each.info_hash for each in torrents}

        await look_into(student, teacher, chosen)
        await student.session.fetch(request(teacher, chosen, student.folder))
        torrent = await look_into(student, teacher, watched)
        async with student.session.open_stream(torrent.info_hash, 0):
            torrent = await look_into(student, teacher, first)
            await look_into(student, teacher, second)
            await asyncio.sleep(5)
            await read(student, torrent, "2.bin", 0, 10)
            await asyncio.sleep(6)  # only now the second is out of use
            await look_into(student, teacher, others[0])
            assert are_kept(chosen, watched, first, second, others[0])
            await asyncio.sleep(11)
            await look_into(student, teacher, others[1])
            assert are_kept(chosen, watched, others[0], others[1])
            folders = {folder.name for folder in (tmp_path / "state" / "reading").iterdir()}
            assert str(second.info_hash) not in folders
            assert str(others[0].info_hash) in folders


async def test_what_is_on_demand_in_a_folder_that_a_person_named_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "MAX_UNREAD", 0)
    monkeypatch.setattr(unread, "STILL_READ_SECONDS", 0.5)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(write_random(room.folder / "a.bin", 1 << 16))
        asked = request(teacher, shared, student.folder, on_demand=True)
        named = await student.session.fetch(asked)
        await until(lambda: named.state is TransferState.ON_DEMAND)
        for number in range(3):
            other = await teacher.share(
                write_random(room.folder / f"{number}.bin", 1 << 16, seed=number + 1)
            )
            torrent = await look_into(student, teacher, other)
            await asyncio.sleep(1)
        assert student.session.torrents.keys() == {named.info_hash, torrent.info_hash}
