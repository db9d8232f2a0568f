"""State that is cut short or has flipped bits: never a piece too many, never a crash, always usable again."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.magnet import MagnetLink
from jupyter_webtorrent.storage.database import StateDatabase, slot_path
from jupyter_webtorrent.storage.journal import Journal, KeptProgress, KeptTorrent
from jupyter_webtorrent.storage.resume import resume_download
from jupyter_webtorrent.storage.store import PieceStore
from tests.storage.samples import Sample, file_torrent, folder_torrent

HAD = (0, 2, 3)
"""The pieces that the sample downloads have; the others are zeros on the disk."""


def begin_downloads(state: Path, folder: Path, *, clean: bool) -> dict[InfoHash, Sample]:
    """Two downloads half-way, as a session leaves them that stopped in order, or did not."""
    journal = Journal.open(state)
    samples = [folder_torrent(), file_torrent(60_000)]
    for sample in samples:
        info = sample.info
        store = PieceStore.open_download(info, folder)
        sample.fill(store, HAD)
        have = Bitfield(info.piece_count)
        for piece in HAD:
            have.add(piece)
        torrent = KeptTorrent(
            str(MagnetLink(info.info_hash)),
            bytes(folder),
            [["wss://tracker.example"]],
            [],
            info=info.raw,
        )
        progress = KeptProgress(have.to_bytes(), store.settle(store.stamps()))
        journal.commit({info.info_hash: torrent}, {info.info_hash: progress})
        store.close()
    journal.close(clean=clean)
    return {sample.info.info_hash: sample for sample in samples}


def look(state: Path, folder: Path, samples: dict[InfoHash, Sample], *, twice: bool = True) -> int:
    """Open a state that may be damaged, use it, and see that it claims nothing false; the pieces it knows."""
    journal = Journal.open(state)
    known = 0
    for info_hash, kept in journal.take().items():
        sample = samples[info_hash]
        assert kept.torrent.info == sample.info.raw
        if kept.progress is None:
            continue
        wanted = range(len(sample.info.files))
        resumed = resume_download(sample.info, folder, wanted, kept.progress, clean=kept.clean)
        if resumed is None:
            continue
        good = resumed.have | resumed.store.check(resumed.doubtful)
        assert set(resumed.have) <= set(HAD)
        assert set(good) == set(HAD)
        known += resumed.have.count()
        resumed.store.close()
    torrent = KeptTorrent("magnet:?xt=urn:btih:" + "ab" * 20, b"/", [], [])
    journal.commit({InfoHash(b"\xab" * 20): torrent}, {})
    journal.close(clean=True)
    if not twice:
        return known
    again = Journal.open(state)
    assert InfoHash(b"\xab" * 20) in again.take()
    again.close(clean=True)
    return known


def damage_everywhere(folder: Path, places: int | None) -> tuple[int, int, int]:
    """Flip a bit of, and cut off at, every byte (or so many): cases, pieces still known, pieces forgotten."""
    state, downloads = folder / "state", folder / "downloads"
    downloads.mkdir()
    samples = begin_downloads(state, downloads, clean=True)
    path = slot_path(state, 0)
    whole = path.read_bytes()
    random = Random(3)
    every: Iterable[int] = range(len(whole))
    chosen = every if places is None else random.sample(range(len(whole)), places)
    full = len(HAD) * len(samples)
    cases = known = 0
    for at in chosen:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << random.randrange(8)
        for damaged in (bytes(flipped), whole[:at]):
            for leftover in state.iterdir():
                leftover.unlink()
            path.write_bytes(damaged)
            known += look(state, downloads, samples, twice=at % 8 == 0)
            cases += 1
    return cases, known, cases * full - known


def test_a_damaged_state_never_claims_a_piece_too_many(tmp_path: Path) -> None:
    cases, known, forgotten = damage_everywhere(tmp_path, 60)
    assert cases == 120
    assert known
    assert forgotten


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_a_state_damaged_at_every_byte_never_claims_a_piece_too_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)  # each damage is told of
    memory = Path("/dev/shm")  # each case is flushed to the disk several times
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        cases, known, forgotten = damage_everywhere(Path(folder), None)
    print(
        f"\n{cases:,} damaged states (each byte with a flipped bit, and cut off there): no false piece;"
        f" {known:,} pieces still known, {forgotten:,} to be checked again"
    )


def test_a_damaged_schema_that_sqlite_quotes_in_its_error_is_damage_too(tmp_path: Path) -> None:
    state, downloads = tmp_path / "state", tmp_path / "downloads"
    downloads.mkdir()
    samples = begin_downloads(state, downloads, clean=True)
    path = slot_path(state, 0)
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE records", b"CREATE TABLE \xe5ecords"))
    look(state, downloads, samples)


def test_a_whole_state_knows_all_pieces(tmp_path: Path) -> None:
    for clean in (True, False):
        state, downloads = tmp_path / f"state-{clean}", tmp_path / f"downloads-{clean}"
        downloads.mkdir()
        samples = begin_downloads(state, downloads, clean=clean)
        assert look(state, downloads, samples) == 2 * len(HAD)


def test_the_log_of_a_session_that_was_killed_may_be_cut_anywhere(tmp_path: Path) -> None:
    state, downloads = tmp_path / "state", tmp_path / "downloads"
    downloads.mkdir()
    samples = begin_downloads(state, downloads, clean=True)
    path = slot_path(state, 0)
    log = path.with_name(path.name + "-wal")
    running = StateDatabase(path)
    for number in range(20):
        running.commit({"clean": None, f"torrent/{number}": b"not one of ours"})
    raw, after = log.read_bytes(), path.read_bytes()
    running.close()
    random = Random(5)
    assert len(raw) > 10_000
    for cut in [0, *random.sample(range(len(raw)), 30)]:
        for leftover in state.iterdir():
            leftover.unlink()
        path.write_bytes(after)
        log.write_bytes(raw[:cut])
        assert look(state, downloads, samples) == 2 * len(HAD)
