"""Real web servers as web seeds: alone, beside libtorrent, and with other bytes than the torrent's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.interop.corpus import digests, write_file, write_folder
from tests.interop.deadline import Deadline
from tests.interop.peers.process import PeerProcess
from tests.interop.peers.programs import LIBTORRENT, OURS, Program
from tests.net.canary import PUBLIC, addresses_of_all_kinds

CASE_SECONDS = 45.0
FILE_BYTES = 12_345_678


@pytest.fixture(scope="module", autouse=True)
def public_address() -> Iterator[None]:
    """Links name web seeds that are public: this namespace has such an address meanwhile."""
    with addresses_of_all_kinds():
        yield


@contextmanager
def web_server(folder: Path, deadline: Deadline, host: str = PUBLIC) -> Iterator[str]:
    """The URL of a server for the folder."""
    command = [sys.executable, "-m", "tests.interop.peers.web_server", host, str(folder)]
    with PeerProcess("web server", command) as server:
        yield server.expect("listening", deadline).fields["url"]


def make_torrent(maker: Program, path: Path, url: str, torrent: Path, deadline: Deadline) -> str:
    """Write a .torrent with a web seed; returns its magnet link. Its maker is gone then."""
    options = ["--torrent-file", str(torrent), "--web-seed", url]
    with maker.share(path, transport="tcp", options=options) as seed:
        return str(seed.expect("magnet", deadline).fields["magnet"])


def fetch(
    link: str,
    folder: Path,
    deadline: Deadline,
    *,
    peers: Sequence[str] = (),
    options: Sequence[str] = (),
) -> Mapping[str, Any]:
    """What our program says of a fetch that completes."""
    options = ["--no-tracker", *options]
    with OURS.fetch(link, folder, transport="tcp", peers=peers, options=options) as program:
        complete = program.expect("complete", deadline).fields
        assert program.wait(deadline) == 0, program.failure("did not end well")
        assert "Traceback" not in program.stderr(), program.failure("wrote a traceback")
        return complete


def used(complete: Mapping[str, Any]) -> set[str]:
    """The transports that brought something."""
    return {transport for transport, count in complete["by_transport"].items() if count}


def single_file(source: Path) -> Path:
    return write_file(source / "measure ments.csv", FILE_BYTES, seed="web seed")


def nested_folder(source: Path) -> Path:
    return write_folder(source / "Kurs Ökologie", seed="web seed")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Where the files come from, and where they go."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    return source, target


@pytest.mark.parametrize("maker", [LIBTORRENT, OURS], ids=lambda program: program.name)
@pytest.mark.parametrize("write", [single_file, nested_folder])
def test_a_torrent_with_a_web_seed_needs_no_peer(
    folders: tuple[Path, Path], tmp_path: Path, write: Callable[[Path], Path], maker: Program
) -> None:
    deadline = Deadline(CASE_SECONDS)
    source, target = folders
    path, torrent = write(source), tmp_path / "made.torrent"
    with web_server(source, deadline) as url:
        make_torrent(maker, path, url, torrent, deadline)
        complete = fetch(str(torrent), target, deadline)
    assert used(complete) == {"webseed"}
    assert digests(target) == digests(source)


@pytest.mark.parametrize("write", [single_file, nested_folder])
def test_libtorrent_takes_the_web_seeds_of_our_torrents(
    folders: tuple[Path, Path], tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    deadline = Deadline(CASE_SECONDS)
    source, target = folders
    path, torrent = write(source), tmp_path / "made.torrent"
    with web_server(source, deadline) as url:
        make_torrent(OURS, path, url, torrent, deadline)
        with LIBTORRENT.fetch(str(torrent), target, transport="tcp") as program:
            program.expect("complete", deadline)
            assert program.wait(deadline) == 0, program.failure("did not end well")
    assert digests(target) == digests(source)


def test_a_link_alone_brings_the_torrent_and_its_files_by_http(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    deadline = Deadline(CASE_SECONDS)
    source, target = folders
    path = nested_folder(source)
    files = digests(source)
    with web_server(source, deadline) as url:
        magnet = make_torrent(OURS, path, url, source / "made.torrent", deadline)
        link = f"{magnet.partition('&x.pe')[0]}&xs={quote(url + 'made.torrent', safe='')}"
        complete = fetch(link, target, deadline)
    assert used(complete) == {"webseed"}
    assert digests(target) == files


def test_a_torrent_by_its_url_on_this_machine_and_a_web_seed_that_was_named(
    folders: tuple[Path, Path],
) -> None:
    deadline = Deadline(CASE_SECONDS)
    source, target = folders
    path = single_file(source)
    files = digests(source)
    with web_server(source, deadline, "127.0.0.1") as url:
        make_torrent(OURS, path, url, source / "made.torrent", deadline)
        complete = fetch(f"{url}made.torrent", target, deadline, options=["--web-seed", url])
    assert used(complete) == {"webseed"}
    assert digests(target) == files


@pytest.mark.parametrize("honest", [True, False], ids=["honest", "corrupt"])
def test_a_web_seed_beside_libtorrent(
    folders: tuple[Path, Path], tmp_path: Path, honest: bool
) -> None:
    deadline = Deadline(CASE_SECONDS)
    source, target = folders
    path, torrent, served = single_file(source), tmp_path / "made.torrent", source
    if not honest:
        served = tmp_path / "corrupt"
        write_file(served / path.name, FILE_BYTES, seed="other bytes")
    with web_server(served, deadline) as url:
        options = ["--torrent-file", str(torrent), "--web-seed", url]
        options += ["--set", "upload_rate_limit=4000000"]
        with LIBTORRENT.share(path, transport="tcp", options=options) as seed:
            address = seed.expect("listening", deadline).fields["tcp"]
            slowly = ["--down-limit", "2M", "--limit-lan"]  # so that both have a part in it
            complete = fetch(str(torrent), target, deadline, peers=[address], options=slowly)
    assert digests(target) == digests(source)
    sent = complete["by_transport"]
    assert sent["tcp"] > 0
    if honest:
        assert sent["webseed"] > 0
    else:  # 94 pieces of 128 KiB: at most 3 bad ones, and what was under way when they were found out
        assert 0 < sent["webseed"] <= 6 << 20
        assert sent["tcp"] >= FILE_BYTES
