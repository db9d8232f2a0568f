"""Two processes at one download, and processes that are killed in the middle of one."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jupyter_webtorrent.storage.errors import BusyError
from jupyter_webtorrent.storage.store import PieceStore
from tests.storage.samples import PIECE, Sample, file_torrent, folder_torrent, tree

DOWNLOADER = """
import sys
from pathlib import Path
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.store import PieceStore

raw, data, folder = map(Path, sys.argv[1:])
info = Info.from_bytes(raw.read_bytes())
store = PieceStore.open_download(info, folder)
have = store.recheck()
print("open", flush=True)
size = info.piece_length
with data.open("rb") as source:
    for line in sys.stdin:
        index = int(line)
        source.seek(index * size)
        assert index in have or store.write_piece(index, source.read(size))
        print(index, flush=True)
store.finish()
"""


@contextmanager
def downloader(sample: Sample, folder: Path, scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process with the download open: it writes each piece whose index it is told."""
    (scratch / "info").write_bytes(sample.info.raw)
    (scratch / "data").write_bytes(sample.data)
    arguments = map(str, (scratch / "info", scratch / "data", folder))
    command = [sys.executable, "-c", DOWNLOADER, *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    with process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[str], index: int) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{index}\n")


def answer(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.mark.parametrize("sample", [file_torrent(), folder_torrent()], ids=["file", "folder"])
def test_one_process_at_a_time_writes_a_part_and_the_lock_ends_with_it(
    sample: Sample, tmp_path: Path, scratch: Path
) -> None:
    with downloader(sample, tmp_path, scratch) as process:
        tell(process, 0)
        assert answer(process) == 0
        with pytest.raises(BusyError, match=f"^{sample.info.name} is being downloaded"):
            PieceStore.open_download(sample.info, tmp_path)
        process.kill()
        process.wait()
        store = PieceStore.open_download(sample.info, tmp_path)
        assert list(store.recheck()) == [0]
        sample.fill(store)
        store.finish()
        store.close()
    assert tree(tmp_path) == sorted(sample.contents)


def test_a_process_killed_again_and_again_ends_with_the_same_bytes(
    tmp_path: Path, scratch: Path
) -> None:
    sample = folder_torrent({f"{number}.bin": 90_000 for number in range(10)})
    dice = random.Random(7)
    for _ in range(5):
        with downloader(sample, tmp_path, scratch) as process:
            told = dice.sample(range(sample.info.piece_count), 12)
            for index in told:
                tell(process, index)
            answered = {answer(process) for _ in range(dice.randrange(12))}
            process.kill()  # while it writes the rest
            process.wait()
        store = PieceStore.open_download(sample.info, tmp_path)
        assert answered <= set(store.recheck())
        store.close()
    store = PieceStore.open_download(sample.info, tmp_path)
    have = store.recheck()
    sample.fill(store, [piece for piece in range(sample.info.piece_count) if piece not in have])
    store.finish()
    assert store.read(0, sample.info.total) == sample.data
    store.close()
    assert tree(tmp_path) == sorted(sample.contents)


def test_a_part_killed_amid_a_write_keeps_its_whole_pieces(tmp_path: Path) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0, 1])
    store.close()
    with (tmp_path / ".data.csv.wtpart").open("r+b") as part:
        part.seek(2 * PIECE)
        part.write(sample.piece(2)[:5000])
    again = PieceStore.open_download(sample.info, tmp_path)
    assert list(again.recheck()) == [0, 1]
    again.close()
