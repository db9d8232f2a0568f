"""What a list of transfers tells each second costs nothing while nothing has changed, however many pieces there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.protocol.layout import PieceLayout
from jupyter_webtorrent.schema.transfers import TransferState
from tests.engine.classroom import Machine, classroom, until
from tests.engine.on_demand import NAMES, SIZE, SLOW, look_into, read, request, share

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The runs of bytes that were counted."""
    counted: list[tuple[int, int]] = []
    count = PieceLayout.bytes_had

    def noted(self: PieceLayout, offset: int, length: int, pieces: object) -> int:
        counted.append((offset, length))
        return count(self, offset, length, pieces)  # type: ignore[arg-type]

    monkeypatch.setattr(PieceLayout, "bytes_had", noted)
    return counted


def amounts(machine: Machine, torrent: Torrent) -> tuple[int, int]:
    status = machine.session.transfer(torrent)
    return status.total, status.done


async def test_amounts_follow_what_comes_and_what_is_chosen(
    tmp_path: Path, counts: list[tuple[int, int]]
) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        assert amounts(student, torrent) == (3 * SIZE, 0)
        await read(student, torrent, "b.bin", 0, 1)
        total, done = amounts(student, torrent)
        assert total == 3 * SIZE
        assert 0 < done < SIZE

        chosen = request(teacher, shared, student.folder, files=[0, 2])
        torrent = await student.session.fetch(chosen)
        await until(lambda: torrent.state is TransferState.SEEDING)
        assert amounts(student, torrent) == (2 * SIZE, 2 * SIZE)
        files = student.session.details(torrent).files
        assert [(file.path, file.done == SIZE) for file in files] == [
            (name, name != "b.bin") for name in NAMES
        ]

        counts.clear()
        for _ in range(10):
            student.session.transfers()
        assert counts == []
