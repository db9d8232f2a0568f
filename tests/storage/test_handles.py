from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from jupyter_webtorrent.storage import handles
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.handles import HandleCache

assert sys.platform != "win32"  # these tests look behind POSIX calls


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / str(number) for number in range(5)]
    for path in paths:
        path.write_text(path.name)
    return paths


def cache_of(limit: int = 2) -> HandleCache[Path]:
    return HandleCache(lambda path: os.open(path, os.O_RDONLY), limit)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_a_file_is_opened_once_and_the_idlest_is_closed_first(files: list[Path]) -> None:
    cache = cache_of(limit=2)
    descriptors = []
    for path in (files[0], files[1], files[0], files[2]):
        with cache.borrow(path) as descriptor:
            descriptors.append(descriptor)
            assert os.pread(descriptor, 10, 0) == path.name.encode()
    assert descriptors[0] == descriptors[2]
    assert len(cache) == 2
    with cache.borrow(files[0]) as descriptor:
        assert descriptor == descriptors[0]
    cache.close()
    assert not any(map(is_open, descriptors))


def test_a_borrowed_file_is_not_closed_for_another(files: list[Path]) -> None:
    cache = cache_of(limit=1)
    with cache.borrow(files[0]) as first, cache.borrow(files[1]) as second:
        assert os.pread(first, 1, 0) == b"0"
        assert os.pread(second, 1, 0) == b"1"
    with cache.borrow(files[2]):
        assert len(cache) == 1
    cache.close()


def test_a_borrowed_file_is_closed_as_it_comes_back(files: list[Path]) -> None:
    cache = cache_of()
    with cache.borrow(files[0]) as descriptor:
        cache.close()
        assert is_open(descriptor)
    assert not is_open(descriptor)


def test_a_closed_cache_lends_nothing(files: list[Path]) -> None:
    cache = cache_of()
    cache.close()
    with pytest.raises(StorageError, match="closed"), cache.borrow(files[0]):
        pass


def test_an_error_of_opening_reaches_the_borrower_and_leaves_nothing(tmp_path: Path) -> None:
    cache = cache_of()
    with pytest.raises(FileNotFoundError), cache.borrow(tmp_path / "nothing"):
        pass
    assert len(cache) == 0


def test_emptying_waits_for_borrowers_and_borrowers_wait_for_it(files: list[Path]) -> None:
    cache = cache_of()
    borrowed, give_back, emptied, go_on = Event(), Event(), Event(), Event()
    order: list[str] = []

    def hold() -> None:
        with cache.borrow(files[0]):
            borrowed.set()
            assert give_back.wait(10)
            order.append("given back")

    def empty() -> None:
        with cache.emptied():
            order.append("emptied")
            assert len(cache) == 0
            emptied.set()
            assert go_on.wait(10)
            order.append("filled")

    def borrow() -> None:
        with cache.borrow(files[1]):
            order.append("borrowed")

    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(hold)]
        assert borrowed.wait(10)
        work.append(pool.submit(empty))
        give_back.set()
        assert emptied.wait(10)
        work.append(pool.submit(borrow))
        go_on.set()
        for future in work:
            future.result(10)
    assert order == ["given back", "emptied", "filled", "borrowed"]
    cache.close()


def test_many_threads_share_few_files(files: list[Path]) -> None:
    cache = cache_of(limit=2)

    def read(number: int) -> bool:
        path = files[number % 5]
        with cache.borrow(path) as descriptor:
            return os.pread(descriptor, 10, 0) == path.name.encode()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(500)))
    assert len(cache) <= 8
    cache.close()


def test_where_reads_move_a_position_a_file_is_lent_to_one_at_a_time(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handles, "_SHARES_POSITION", True)
    cache = cache_of()
    inside = 0

    def read(_: int) -> int:
        nonlocal inside
        with cache.borrow(files[0]) as descriptor:
            inside += 1
            found = inside
            os.lseek(descriptor, 0, os.SEEK_SET)
            assert os.read(descriptor, 1) == b"0"
            inside -= 1
            return found

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(300))) == {1}
    cache.close()
