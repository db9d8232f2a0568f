"""pooch by WebTorrentDownloader, and `fetch` with a known hash: one file, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pooch  # type: ignore[import-untyped]
import pytest

import jupyter_webtorrent as wt
from jupyter_webtorrent.kernel import pooch_downloader, sharing
from jupyter_webtorrent.kernel.errors import NoAnswerError
from jupyter_webtorrent.kernel.local import LocalAccess
from jupyter_webtorrent.kernel.one_file import KnownHash, WrongHashError, fetch_known
from jupyter_webtorrent.kernel.preview import Preview
from jupyter_webtorrent.kernel.torrent_url import TorrentUrl
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    ShareRequest,
    TransferDetails,
    TransferState,
    TransferStatus,
)
from tests.kernel.alone import Person

CSV = b"species,island,bill_length_mm\n" * 450
OTHER = b"something else\n"
NOBODY = f"magnet:?xt=urn:btih:{'cd' * 20}&dn=x&x.pe=127.0.0.1:9"


class Dataset:
    """A file and a folder that a teacher shares, and the student whose kernel this is."""

    def __init__(self, teacher: LocalAccess, student: LocalAccess, work: Path) -> None:
        self.student = student
        folder = work / "lesson" / "data [1]"
        folder.mkdir(parents=True)
        (folder / "penguins.csv").write_bytes(CSV)
        (work / "lesson" / "other.txt").write_bytes(OTHER)
        (work / "penguins.csv").write_bytes(CSV)
        self.file = teacher.share(ShareRequest([str(work / "penguins.csv")])).magnet
        self.folder = teacher.share(ShareRequest([str(work / "lesson")])).magnet


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dataset]:
    teacher, student = Person(tmp_path / "teacher"), Person(tmp_path / "student")
    with teacher.access(monkeypatch) as sharer, student.access(monkeypatch) as fetcher:
        for module in (sharing, pooch_downloader):
            monkeypatch.setattr(module, "connect", lambda: fetcher)
        yield Dataset(sharer, fetcher, teacher.work)


def known(algorithm: str, content: bytes = CSV) -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


@pytest.mark.parametrize(
    "hash_of_it",
    [known("sha256"), known("sha256")[7:].upper(), known("md5"), known("SHA1".lower())],
)
def test_a_fetch_with_a_known_hash_returns_the_path_of_the_file(
    data: Dataset, hash_of_it: str, tmp_path: Path
) -> None:
    path = wt.fetch(data.file, tmp_path / "here", known_hash=hash_of_it)
    assert path == tmp_path / "here" / "penguins.csv"
    assert path.read_bytes() == CSV


def test_a_file_of_a_folder_is_selected(data: Dataset) -> None:
    path = wt.fetch(data.folder, select="*.csv", known_hash=known("sha256"))
    assert path == Path.cwd() / "lesson" / "data [1]" / "penguins.csv"
    assert path.read_bytes() == CSV


def test_a_file_that_is_not_the_one_is_kept_and_told_of(data: Dataset) -> None:
    with pytest.raises(
        WrongHashError, match=r"^penguins\.csv is not what was asked for: its md5 is "
    ) as told:
        wt.fetch(data.file, known_hash=known("md5", OTHER))
    assert str(told.value).endswith("It is kept, for you to look at: penguins.csv")
    assert Path("penguins.csv").read_bytes() == CSV


def test_a_folder_with_a_known_hash_is_refused_and_left_to_nobody(data: Dataset) -> None:
    with pytest.raises(WebTorrentError, match=r"^lesson has 2 files: choose one with select=\.$"):
        wt.fetch(data.folder, known_hash=known("sha256"))
    assert data.student.transfers() == []
    assert not Path("lesson").exists()


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:abc", "crc32:0123abcd", known("md5")[4:]])
def test_a_hash_that_is_none_is_refused_before_anything_is_fetched(
    data: Dataset, text: str
) -> None:
    with pytest.raises(WebTorrentError, match=r"^A known hash is sha256:DIGEST"):
        wt.fetch(data.file, known_hash=text)
    assert data.student.transfers() == []


def test_pooch_retrieves_a_magnet_link_and_it_is_passed_on(data: Dataset, tmp_path: Path) -> None:
    got = pooch.retrieve(
        data.file,
        known("sha256"),
        fname="penguins.csv",
        path=tmp_path / "cache",
        downloader=wt.WebTorrentDownloader(progressbar=True),
    )
    assert Path(got).read_bytes() == CSV
    (status,) = data.student.transfers()
    assert status.state is TransferState.SEEDING
    assert Path(status.paths[0]).samefile(got)  # one file on disk
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [
        ".webtorrent",
        "penguins.csv",
    ]


@pytest.mark.parametrize("paused", [False, True])
def test_pooch_fetches_into_its_own_folder_what_was_only_looked_at(
    data: Dataset, tmp_path: Path, paused: bool
) -> None:
    looked = data.student.fetch(FetchRequest(data.file, "", on_demand=True))
    if paused:
        data.student.pause(looked.info_hash)
    downloader = wt.WebTorrentDownloader()
    got = pooch.retrieve(
        data.file, known("sha256"), fname="p.csv", path=tmp_path / "cache", downloader=downloader
    )
    assert Path(got).read_bytes() == CSV
    (status,) = data.student.transfers()
    assert Path(status.folder).is_relative_to(tmp_path / "cache")


@pytest.mark.parametrize("form", ["fragment", "url"])
def test_pooch_retrieves_one_file_of_a_folder(data: Dataset, form: str, tmp_path: Path) -> None:
    path = "data [1]/penguins.csv"
    link = (
        f"{data.folder}#file={path}"
        if form == "fragment"
        else str(TorrentUrl.of(data.folder, path))
    )
    got = pooch.retrieve(
        link, known("md5"), path=tmp_path, downloader=wt.WebTorrentDownloader(timeout=20)
    )
    assert Path(got).read_bytes() == CSV
    # And again elsewhere, from where it is already.
    again = pooch.retrieve(
        link, known("md5"), path=tmp_path / "b", downloader=wt.WebTorrentDownloader(timeout=20)
    )
    assert Path(again).read_bytes() == CSV


def test_several_paths_that_are_shared_as_one_are_found_one_by_one(data: Dataset) -> None:
    for name in "ab":
        Path(f"{name}.txt").write_text(name)
    link = wt.share(["a.txt", "b.txt"], name="both").magnet
    path = wt.fetch(link, select="a.txt", known_hash=known("sha256", b"a"))
    assert path == Path.cwd() / "a.txt"


def test_a_notebook_that_was_edited_since_its_share_is_given_as_it_was_shared(
    data: Dataset, tmp_path: Path
) -> None:
    note = Path("n.ipynb")
    note.write_bytes(b'{"v":1}')
    link = wt.share(note).magnet
    assert wt.fetch(link, known_hash=known("md5", b'{"v":1}')) == note.absolute()
    note.write_bytes(b'{"v":2}')
    path = wt.fetch(link, known_hash=known("md5", b'{"v":1}'))
    assert path.read_bytes() == b'{"v":1}'
    with pytest.raises(WrongHashError, match=r"^n\.ipynb is not what was asked for"):
        wt.fetch(link, known_hash=known("md5", OTHER))
    wt.WebTorrentDownloader()(link, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b'{"v":1}'
    assert note.read_bytes() == b'{"v":2}'


def test_a_shared_file_that_was_changed_is_told_of_and_nothing_is_left(
    data: Dataset, tmp_path: Path
) -> None:
    original = Path("d.csv")
    original.write_bytes(CSV)
    link = wt.share(original).magnet
    original.write_bytes(OTHER)
    with pytest.raises(WebTorrentError, match=r"^d\.csv "):
        wt.fetch(link, known_hash=known("sha256"))
    with pytest.raises(WebTorrentError, match=r"^d\.csv "):
        wt.WebTorrentDownloader()(link, tmp_path / "out")
    assert not [
        path for path in Path.cwd().rglob("*") if path.is_file() and path != original.absolute()
    ]
    assert not list(tmp_path.glob("out*"))


def test_what_pooch_keeps_does_not_change_with_a_file_that_is_shared(
    data: Dataset, tmp_path: Path
) -> None:
    original = Path("d.csv")
    original.write_bytes(CSV)
    link = wt.share(original).magnet
    wt.WebTorrentDownloader()(link, tmp_path / "out")
    original.write_bytes(OTHER)
    assert (tmp_path / "out").read_bytes() == CSV


def test_the_timeout_holds_for_a_link_that_nobody_answers(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(WebTorrentError, match=r"^Nobody has told the files of x in 0\.[0-9] s\."):
        wt.WebTorrentDownloader(timeout=0.5)(NOBODY, tmp_path / "x")
    assert data.student.transfers() == []


def test_a_magnet_that_is_paused_before_its_files_are_known_is_told_of(data: Dataset) -> None:
    wt.fetch(NOBODY).pause()
    with pytest.raises(WebTorrentError, match=r"^x is paused, and its files are not known yet"):
        wt.fetch(NOBODY, known_hash=known("md5"))


def test_a_server_that_is_away_for_a_moment_is_asked_again(data: Dataset) -> None:
    times: list[str] = []

    class Away(LocalAccess):
        def transfers(self) -> list[TransferStatus]:
            return data.student.transfers()

        def fetch(self, request: FetchRequest) -> TransferStatus:
            return data.student.fetch(request)

        def details(self, info_hash: str) -> TransferDetails:
            return data.student.details(info_hash)

        def transfer(self, info_hash: str) -> TransferStatus:
            times.append(info_hash)
            if len(times) == 1:
                raise NoAnswerError("away")
            return data.student.transfer(info_hash)

    preview = Preview(Away(), data.file)
    path = fetch_known(preview, Path.cwd(), [], KnownHash.from_text(known("md5")))
    assert path.read_bytes() == CSV


def test_pooch_refuses_what_has_another_hash_and_a_folder(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hash of downloaded file"):
        pooch.retrieve(
            data.file, known("md5", OTHER), path=tmp_path, downloader=wt.WebTorrentDownloader()
        )
    with pytest.raises(WebTorrentError, match=r"^lesson has 2 files: name one by #file="):
        pooch.retrieve(data.folder, None, path=tmp_path, downloader=wt.WebTorrentDownloader())
