from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.metainfo import Info, TorrentFile
from jupyter_webtorrent.storage import paths
from jupyter_webtorrent.storage.errors import UnsafePathError

NASTY = [
    "..", ".", "", "/", "a/b", "a\\b", "C:", "C:\\Windows", "\\\\host\\share", "//host/share", "a:b",
    "CON", "con.txt", "PRN", "aux", "NUL", "COM1.txt", "LPT9", "COM¹", "CONIN$", "COM1 .txt", "nul.tar.gz",
    "name.", "name ", "name. .", "...", "a\0b", "a\nb", "\x1b[31m", "\x7f", "\x9f",
    "exe\u202egnp.csv", "a\u200bb", "\ufeffa", "\u2066a\u2069", "a\u2028b", "\ud800", "\U000e0041",
    "é", "e\u0301", "É", "ß", "ss", "SS", "\u017f", "K", "\u212a", "ﬁ", "İ", "\u0131",
    ".git", ".GIT", ".gitignore", ".bashrc", "x.wtpart", "x.WTPART", ".x.wtpart.lock",
    "a" * 255, "a" * 256, "a" * 300 + ".csv", "é" * 200, "😀" * 100, "a." + "b" * 300,
    "CON" + " " * 300 + "x", "x" * 248 + ".wtpart" + "y" * 40, "data.csv", "data (1).csv", "DATA.csv",
]  # fmt: skip
components = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=20), st.text("a.A ~\u0301", max_size=6)
)
torrent_paths = st.lists(st.lists(components, min_size=1, max_size=4).map(tuple), max_size=12)

RESERVED = {"CON", "PRN", "AUX", "NUL"} | {
    f"{port}{n}" for port in ("COM", "LPT") for n in range(10)
}


def safe(files: Sequence[tuple[str, ...]], name: str = "folder") -> tuple[tuple[str, ...], ...]:
    entries = tuple(TorrentFile(path, 1) for path in files)
    return paths.safe_names(
        Info(
            name=name,
            piece_length=16384,
            pieces=b"",
            files=entries,
            single_file=False,
            private=False,
            raw=b"",
        )
    )


def one(name: str) -> str:
    ((component,),) = safe([(name,)])
    return component


def assert_fit_for_any_disk(component: str) -> None:
    assert component not in {"", ".", ".."}
    assert not set(component) & set('<>:"/\\|?*')
    assert len(component.encode()) <= 255
    assert component[-1] not in ". "
    assert component.split(".")[0].rstrip().upper() not in RESERVED
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in component)
    assert unicodedata.is_normalized("NFC", component)
    assert not component.casefold().endswith((".wtpart", ".wtpart.lock"))
    assert PureWindowsPath(component).parts == (component,)


@given(torrent_paths)
@example([("a",), ("a", "b")])
@example([("A", "x"), ("a", "y")])
@example([(name,) for name in NASTY])
@example([(name, "x") for name in NASTY])
def test_every_name_is_inside_the_folder_and_fit_for_any_disk(
    files: list[tuple[str, ...]],
) -> None:
    folder = Path("/folder")
    for path in safe(files):
        assert path
        for component in path:
            assert_fit_for_any_disk(component)
        assert folder.joinpath(*path).parts == ("/", "folder", *path)


@given(torrent_paths)
@example([("data.csv",), ("DATA.csv",), ("data (1).csv",), ("data.csv",)])
@example([("a", "b"), ("a",), ("A",), ("a", "B")])
def test_no_two_files_are_one_and_no_file_is_a_folder_on_any_disk(
    files: list[tuple[str, ...]],
) -> None:
    def key(component: str) -> str:
        return unicodedata.normalize("NFC", unicodedata.normalize("NFD", component).casefold())

    placed = [tuple(map(key, path)) for path in safe(files)]
    assert len(set(placed)) == len(files)
    folders = {path[:depth] for path in placed for depth in range(1, len(path))}
    assert not folders & set(placed)


@given(torrent_paths)
def test_the_same_torrent_always_gets_the_same_names(files: list[tuple[str, ...]]) -> None:
    assert safe(files) == safe(files)


@given(st.lists(st.lists(st.text("abcxyz019_-é", min_size=1), min_size=1).map(tuple), max_size=5))
def test_plain_names_are_kept(files: list[tuple[str, ...]]) -> None:
    kept = [
        path
        for path, before in zip(safe(files), files, strict=True)
        if path != tuple(unicodedata.normalize("NFC", name) for name in before)
    ]
    folded = [tuple(name.casefold() for name in path) for path in files]
    clashing = len(set(folded)) < len(folded) or any(
        a != b and a[:depth] == b[:depth]
        for a in folded
        for b in folded
        for depth in range(1, min(len(a), len(b)) + 1)
    )
    assert clashing or not kept


@given(components)
@example(".git")
@example("..")
def test_a_torrents_own_name_is_never_hidden(name: str) -> None:
    assert_fit_for_any_disk(paths.safe_name(name))
    assert not paths.safe_name(name).startswith(".")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("..", "__"),
        ("", "_"),
        ("a/b\\c:d", "a_b_c_d"),
        ("COM1.txt", "_COM1.txt"),
        ("console.txt", "console.txt"),
        ("report. ", "report__"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("e\u0301t\u00e9.csv", "été.csv"),
        (".gitignore", ".gitignore"),
        (".git", "_.git"),
        ("x.wtpart", "x.wtpar_"),
        ("😀.csv", "😀.csv"),
        ("données d'été (2024).tar.gz", "données d'été (2024).tar.gz"),
    ],
)
def test_what_becomes_of_a_name(name: str, expected: str) -> None:
    assert one(name) == expected


def test_a_long_name_keeps_its_suffix_and_whole_characters() -> None:
    shortened = one("é" * 200 + ".csv")
    assert shortened == "é" * 125 + ".csv"
    assert one("x" * 300 + ".tar.gz").endswith("x.tar.gz")


def test_names_that_clash_are_numbered_before_their_suffix() -> None:
    assert safe([("data.csv",), ("Data.csv",), ("data.csv",)]) == (
        ("data.csv",),
        ("Data (1).csv",),
        ("data (2).csv",),
    )


def test_folders_that_clash_are_numbered_whole() -> None:
    assert safe([("v1.2", "a"), ("V1.2", "a"), ("v1.2", "b")]) == (
        ("v1.2", "a"),
        ("V1.2 (1)", "a"),
        ("v1.2", "b"),
    )


def test_a_file_that_is_a_folder_elsewhere_is_numbered() -> None:
    assert safe([("a",), ("a", "b")]) == (("a",), ("a (1)", "b"))


def test_twenty_thousand_files_of_one_name_are_numbered_without_delay() -> None:
    names = safe([("a",)] * 20_000)
    assert names[-1] == ("a (19999)",)


def test_a_single_file_has_the_torrents_safe_name() -> None:
    info = Info.build("..hidden", 16384, bytes(20), [TorrentFile(("..hidden",), 1)], True)
    assert paths.safe_names(info) == (("_.hidden",),)


def test_a_path_that_is_too_deep_is_refused() -> None:
    with pytest.raises(UnsafePathError, match="65 folders deep"):
        safe([("a",) * 65])


def test_a_path_that_is_too_long_is_refused() -> None:
    with pytest.raises(UnsafePathError, match="longer than 3072 bytes"):
        safe([("a" * 200,) * 20])


def test_a_file_without_a_name_is_refused() -> None:
    with pytest.raises(UnsafePathError, match="no name"):
        safe([()])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("data.csv", "data (3).csv"),
        ("data.tar.gz", "data (3).tar.gz"),
        ("README", "README (3)"),
        (".tar.gz", ".tar (3).gz"),
        ("v1.2", "v1 (3).2"),
    ],
)
def test_the_number_of_a_file_stands_before_its_suffix(name: str, expected: str) -> None:
    assert paths.numbered(name, 3) == expected


def test_the_number_of_a_folder_stands_at_its_end() -> None:
    assert paths.numbered("v1.2", 3, keep_suffix=False) == "v1.2 (3)"


def test_number_zero_is_the_name_itself() -> None:
    assert paths.numbered("data.csv", 0) == "data.csv"


@given(st.sampled_from(["a" * 255, "é" * 127, "x" * 251 + ".csv", "a" * 242, "a" * 243]))
def test_long_names_have_parts_and_locks_of_their_own(name: str) -> None:
    candidates = [paths.numbered(name, number) for number in range(50)]
    for make in (paths.part_name, paths.lock_name):
        made = {make(candidate) for candidate in candidates}
        assert len(made) == len(candidates)
        assert max(len(hidden.encode()) for hidden in made) <= 255


def test_a_part_is_a_hidden_sibling() -> None:
    assert paths.part_name("data.csv") == ".data.csv.wtpart"
    assert paths.lock_name("data.csv") == ".data.csv.wtpart.lock"


def test_what_is_printed_cannot_command_a_terminal() -> None:
    assert paths.shown("a\x1b[2J\u202eb é") == "a�[2J�b é"
