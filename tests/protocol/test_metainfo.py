from __future__ import annotations

import hashlib
from pathlib import Path
from time import process_time
from typing import cast

import libtorrent
import pytest
import torf
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.bencode import Value
from jupyter_webtorrent.protocol.errors import MetainfoError
from jupyter_webtorrent.protocol.metainfo import (
    MAX_PIECE_LENGTH,
    MAX_TORRENT_BYTES,
    Info,
    Metainfo,
    TorrentFile,
    choose_piece_length,
)

KIB = 1024
HASH = bytes(range(20))

SINGLE: dict[bytes, Value] = {
    b"name": b"data.csv",
    b"piece length": 16 * KIB,
    b"pieces": HASH,
    b"length": 5,
}
FOLDER: dict[bytes, Value] = {
    b"name": b"course",
    b"piece length": 16 * KIB,
    b"pieces": HASH * 2,
    b"files": [
        {b"length": 5, b"path": [b"readme.md"]},
        {b"length": 16 * KIB, b"path": [b"data", b"a.csv"]},
        {b"length": 0, b"path": [b"empty"]},
    ],
}
INFO = Info.from_bytes(bencode.encode(SINGLE))

NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)


@st.composite
def infos(draw: st.DrawFn) -> Info:
    paths = draw(
        st.lists(st.tuples(NAMES) | st.tuples(NAMES, NAMES), min_size=1, max_size=5, unique=True)
    )
    files = tuple(
        TorrentFile(path, draw(st.integers(0 if index else 1, 100 * KIB)))
        for index, path in enumerate(paths)
    )
    piece_length = draw(st.sampled_from([16 * KIB, 32 * KIB, 48 * KIB]))
    if single := draw(st.booleans()):
        files = (TorrentFile((draw(NAMES),), files[0].length),)
    name = files[0].path[0] if single else draw(NAMES)
    count = -(-sum(file.length for file in files) // piece_length)
    pieces = draw(st.binary(min_size=count * 20, max_size=count * 20))
    return Info.build(name, piece_length, pieces, files, single, draw(st.booleans()))


def folder_with(**changes: Value) -> bytes:
    """FOLDER's first file changed."""
    first = {b"length": 5, b"path": cast(Value, [b"readme.md"])}
    first |= {key.encode(): value for key, value in changes.items()}
    return bencode.encode({**FOLDER, b"files": [first, *cast(list[Value], FOLDER[b"files"])[1:]]})


def info_of(**changes: Value | None) -> bytes:
    """SINGLE with some keys changed, or left out where None; `_` stands for a space."""
    values: dict[bytes, Value] = dict(SINGLE)
    for name, value in changes.items():
        key = name.replace("_", " ").encode()
        values.pop(key, None)
        if value is not None:
            values[key] = value
    return bencode.encode(values)


def torrent_of(**around: Value) -> bytes:
    """A .torrent with some keys beside `info`; `_` stands for a dash."""
    values: dict[bytes, Value] = {name.replace("_", "-").encode(): around[name] for name in around}
    return bencode.encode({**values, b"info": SINGLE})


def refused(raw: bytes) -> str:
    with pytest.raises(MetainfoError) as caught:
        Info.from_bytes(raw)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What is read


def test_a_single_file_is_read() -> None:
    raw = bencode.encode(SINGLE)
    info = Info.from_bytes(raw)
    assert info.name == "data.csv"
    assert info.files == (TorrentFile(("data.csv",), 5),)
    assert (info.single_file, info.private) == (True, False)
    assert (info.total, info.piece_count, info.piece_length) == (5, 1, 16 * KIB)
    assert info.info_hash.digest == hashlib.sha1(raw).digest()
    assert info.raw == raw
    assert "data.csv" in repr(info)


def test_a_folder_is_read_with_paths_relative_to_it() -> None:
    info = Info.from_bytes(bencode.encode(FOLDER))
    assert not info.single_file
    assert info.files == (
        TorrentFile(("readme.md",), 5),
        TorrentFile(("data", "a.csv"), 16 * KIB),
        TorrentFile(("empty",), 0),
    )
    assert (info.total, info.piece_count) == (16 * KIB + 5, 2)
    assert info.layout.piece_size(1) == 5
    assert info.piece_hash(1) == HASH


@pytest.mark.parametrize("piece", [-1, 1])
def test_a_piece_that_is_not_there_has_no_hash(piece: int) -> None:
    assert INFO.piece_hash(0) == HASH
    with pytest.raises(IndexError, match=f"no piece {piece}: there are 1"):
        INFO.piece_hash(piece)


def test_the_info_hash_is_over_the_bytes_that_came_also_with_unsorted_and_unknown_keys() -> None:
    raw = b"d12:piece lengthi16384e6:lengthi5e6:source1:x4:name1:a6:pieces20:" + HASH + b"e"
    torrent = b"d4:info" + raw + b"8:announce9:wss://t/ae"
    metainfo = Metainfo.from_bytes(torrent)
    assert metainfo.info == Info.from_bytes(raw)
    assert metainfo.info.raw == raw
    assert metainfo.info.info_hash.digest == hashlib.sha1(raw).digest()
    assert bencode.encode(bencode.decode(raw)) != raw
    assert raw in metainfo.to_bytes()


def test_names_are_utf_8_and_the_utf_8_keys_of_old_tools_come_first() -> None:
    info = Info.from_bytes(
        bencode.encode(
            {
                **FOLDER,
                b"name": b"caf\xe9",
                b"name.utf-8": "café".encode(),
                b"files": [
                    {
                        b"length": 16 * KIB + 5,
                        b"path": [b"na\xefve"],
                        b"path.utf-8": ["naïve".encode(), "ü".encode()],
                    }
                ],
            }
        )
    )
    assert info.name == "café"
    assert info.files[0].path == ("naïve", "ü")


def test_a_name_in_another_encoding_is_read_with_replacements() -> None:
    assert Info.from_bytes(info_of(name=b"caf\xe9")).name == "caf\ufffd"
    assert Info.from_bytes(folder_with(path=[b"\xff.txt"])).files[0].path == ("\ufffd.txt",)


def test_names_that_differ_only_in_what_was_replaced_are_two_names() -> None:
    one, two = ({b"length": 5, b"path": cast(Value, [name])} for name in (b"\xe9", b"\xe8"))
    info = Info.from_bytes(bencode.encode({**FOLDER, b"pieces": HASH, b"files": [one, two]}))
    assert [file.path for file in info.files] == [("\ufffd",), ("\ufffd",)]


def test_unsafe_names_are_left_to_storage() -> None:
    assert Info.from_bytes(folder_with(path=[b"..", b"/etc"])).files[0].path == ("..", "/etc")


def test_padding_is_marked_and_may_have_one_name_for_all() -> None:
    pad: Value = {b"attr": b"xp", b"length": 7, b"path": [b".pad", b"7"]}
    data: Value = {b"attr": b"x", b"length": 5, b"path": [b"a"]}
    raw = bencode.encode({**FOLDER, b"pieces": HASH, b"files": [data, pad, pad]})
    info = Info.from_bytes(raw)
    assert [file.padding for file in info.files] == [False, True, True]
    assert info.total == 19


@pytest.mark.parametrize(("value", "private"), [(1, True), (0, False), (2, True)])
def test_a_torrent_is_private_if_it_says_so(value: int, private: bool) -> None:
    assert Info.from_bytes(info_of(private=value)).private is private


# What is refused


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": None}, "'name' is missing"),
        ({"name": 1}, "'name' is not a string"),
        ({"name": b""}, "name is empty"),
        ({"pieces": None}, "'pieces' is missing"),
        ({"pieces": [HASH]}, "'pieces' is not a string"),
        ({"piece_length": None}, "'piece length' is missing"),
        ({"piece_length": b"16384"}, "'piece length' is not a number"),
        ({"length": None}, "either one length or a list of files"),
        ({"files": []}, "either one length or a list of files"),
        ({"length": None, "files": 5}, "'files' is not a list"),
        ({"length": b"5"}, "'length' is not a number"),
        ({"length": -1}, "negative length: -1"),
        ({"length": -(2**63)}, "negative length: -9,223,372,036,854,775,808"),
        ({"length": 0, "pieces": b""}, "without a byte of data"),
        ({"length": None, "files": []}, "without a byte of data"),
        ({"private": b"yes"}, "'private' is not a number"),
    ],
)
def test_an_info_dictionary_that_makes_no_sense_is_refused(
    changes: dict[str, Value | None], reason: str
) -> None:
    assert reason in refused(info_of(**changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"path": []}, "path is empty or has an empty part"),
        ({"path": [b""]}, "path is empty or has an empty part"),
        ({"path": [b"a", b""]}, "path is empty or has an empty part"),
        ({"path": b"readme.md"}, "'path' is not a list"),
        ({"path": [b"a", 1]}, "something else than strings"),
        ({"path": [[b"a"]]}, "something else than strings"),
        ({"length": -5}, "negative length: -5"),
        ({"length": [5]}, "'length' is not a number"),
        ({"attr": 1}, "'attr' is not a string"),
        ({"path": [b"data", b"a.csv"]}, "names a file twice: 'data/a.csv'"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(changes: dict[str, Value], reason: str) -> None:
    assert reason in refused(folder_with(**changes))


def test_an_entry_that_is_no_file_is_refused() -> None:
    assert "entry is not a dictionary" in refused(bencode.encode({**FOLDER, b"files": [b"a"]}))
    assert "'path' is missing" in refused(bencode.encode({**FOLDER, b"files": [{b"length": 5}]}))


def test_a_torrent_of_padding_alone_holds_no_data() -> None:
    pad: Value = {b"attr": b"p", b"length": 7, b"path": [b".pad"]}
    raw = bencode.encode({**FOLDER, b"pieces": HASH, b"files": [pad]})
    assert "without a byte of data" in refused(raw)


@pytest.mark.parametrize("hashes", [0, 1, 19, 21, 40])
def test_there_are_20_bytes_of_hash_for_each_piece(hashes: int) -> None:
    assert f"5 bytes need 20 bytes of piece hashes, not {hashes}" in refused(
        info_of(pieces=bytes(hashes))
    )


def test_a_piece_is_16_kib_to_64_mib() -> None:
    for length in (16 * KIB, 16 * KIB + 1, MAX_PIECE_LENGTH):
        assert Info.from_bytes(info_of(piece_length=length)).piece_length == length
    for length in (-1, 0, 1, 16 * KIB - 1, 64 * KIB * KIB + 1, 2**63):
        assert f"16,384 to 67,108,864 bytes, not {length:,}" in refused(
            info_of(piece_length=length)
        )


def test_there_are_at_most_1_048_576_pieces() -> None:
    total = (1 << 20) * 16 * KIB
    assert "need 20,971,520 bytes of piece hashes" in refused(info_of(length=total))
    assert "1,048,577 pieces is over 1,048,576" in refused(info_of(length=total + 1))
    assert "pieces is over 1,048,576" in refused(info_of(length=10**19))
    huge: Value = [{b"length": 10**18, b"path": [b"%d" % n]} for n in range(100)]
    assert "pieces is over 1,048,576" in refused(info_of(length=None, files=huge))


def test_a_torrent_is_at_most_10_000_000_bytes() -> None:
    room = MAX_TORRENT_BYTES - len(bencode.encode({**SINGLE, b"x": bytes(9_000_000)})) + 9_000_000
    at_limit = bencode.encode({**SINGLE, b"x": bytes(room)})
    assert len(at_limit) == 10_000_000
    assert Info.from_bytes(at_limit).raw == at_limit
    assert "10,000,001 bytes is over 10,000,000" in refused(
        bencode.encode({**SINGLE, b"x": bytes(room + 1)})
    )
    with pytest.raises(MetainfoError, match=r"a \.torrent file of 10,000,001 bytes is over"):
        Metainfo.from_bytes(bytes(10_000_001))


@pytest.mark.parametrize(
    "data",
    [
        b"d4:infod6:pieces" + b"9" * 5_000_000,
        b"d4:info" + b"l" * 9_000_000,
        b"d4:infod6:lengthi" + b"9" * 5_000_000 + b"ee",
        b"d4:infod5:files" + b"d1:a" * 2_000_000,
        b"\0" * 10_000_000,
    ],
    ids=["string", "depth", "digits", "dictionaries", "zeros"],
)
def test_a_bomb_is_refused_at_once(data: bytes) -> None:
    began = process_time()
    with pytest.raises(MetainfoError, match=r"cannot read a \.torrent file"):
        Metainfo.from_bytes(data)
    assert process_time() - began < 1


def test_the_urls_of_a_bomb_are_not_all_looked_at() -> None:
    urls: Value = [[b"http://t/%d" % n] for n in range(50_000)]
    flat: Value = [b"file://t/%d" % n for n in range(50_000)]
    torrent = torrent_of(announce_list=urls, url_list=flat)
    began = process_time()
    metainfo = Metainfo.from_bytes(torrent)
    assert process_time() - began < 1
    assert len(metainfo.trackers) == 100
    assert metainfo.web_seeds == ()


@pytest.mark.parametrize("version", [2, 3])
def test_a_v2_torrent_is_refused_by_name(version: int) -> None:
    values: Value = {b"file tree": {}, b"meta version": version, b"name": b"a"}
    assert "BitTorrent v2 only" in refused(bencode.encode(values))


@pytest.mark.parametrize("data", [b"", b"le", b"i1e", b"<html>", torrent_of() + b"\n"])
def test_what_is_no_torrent_is_refused(data: bytes) -> None:
    with pytest.raises(MetainfoError, match=r"cannot read a \.torrent file: not "):
        Metainfo.from_bytes(data)
    with pytest.raises(MetainfoError, match="cannot read an info dictionary: not "):
        Info.from_bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"de", "'info' is missing"), (b"d4:info0:e", "'info' is not a dictionary")],
)
def test_a_torrent_without_an_info_dictionary_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MetainfoError, match=reason):
        Metainfo.from_bytes(data)


def test_a_cut_at_any_byte_is_refused() -> None:
    torrent = Metainfo(INFO, (("wss://t/announce",),)).to_bytes()
    for cut in range(len(torrent)):
        with pytest.raises(MetainfoError):
            Metainfo.from_bytes(torrent[:cut])


@given(st.binary(max_size=60))
def test_any_bytes_give_the_typed_error(data: bytes) -> None:
    with pytest.raises(MetainfoError):
        Metainfo.from_bytes(data)
    with pytest.raises(MetainfoError):
        Info.from_bytes(data)


ANYTHING: st.SearchStrategy[Value] = st.recursive(
    st.integers(-(2**64), 2**64) | st.binary(max_size=4) | st.sampled_from([b"a", b"p", HASH]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([b"length", b"path", b"path.utf-8", b"attr", b"name"]), inner
        )
    ),
    max_leaves=8,
)
KEYS = (*SINGLE, b"files", b"private", b"meta version", b"file tree", b"name.utf-8")


@given(
    st.sampled_from([SINGLE, FOLDER]),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=2),
    st.dictionaries(st.sampled_from([b"announce", b"announce-list", b"url-list"]), ANYTHING),
)
def test_any_types_give_a_torrent_that_adds_up_or_the_typed_error(
    base: dict[bytes, Value], changes: dict[bytes, Value], around: dict[bytes, Value]
) -> None:
    torrent = bencode.encode({**around, b"info": {**base, **changes}})
    try:
        info = Metainfo.from_bytes(torrent).info
    except MetainfoError as error:
        reason = str(error)
        assert "\n" not in reason
        return
    assert info.layout.piece_count == info.piece_count > 0
    assert all(file.path and all(file.path) and file.length >= 0 for file in info.files)
    assert info.raw in torrent


# Trackers and web seeds


def test_tiers_are_kept_and_what_cannot_be_used_is_left_out() -> None:
    metainfo = Metainfo.from_bytes(
        torrent_of(
            announce=b"http://not.asked/announce",
            announce_list=[
                [b"udp://a:1/x", b"file:///etc/passwd", b"wss://b/y"],
                [b"javascript:alert(1)", b"udp://a:1/x"],
                b"https://alone/announce",
                7,
                [b"\xff\xfe", 3, [b"http://deep/"]],
                [b"ws://c:8000/announce", b"http://d/e"],
            ],
            url_list=[b"https://seed/data.csv", b"ftp://seed/data.csv", 1],
        )
    )
    assert metainfo.trackers == (
        ("udp://a:1/x", "wss://b/y"),
        ("https://alone/announce",),
        ("ws://c:8000/announce", "http://d/e"),
    )
    assert metainfo.web_seeds == ("https://seed/data.csv",)


@pytest.mark.parametrize("listed", [[], [[]], [[b"file:///x"]], 5, b"wss://t"])
def test_announce_counts_where_no_list_can_be_used(listed: Value) -> None:
    torrent = torrent_of(announce=b"wss://t/announce", announce_list=listed)
    assert Metainfo.from_bytes(torrent).trackers == (("wss://t/announce",),)


def test_a_single_web_seed_may_stand_without_a_list() -> None:
    metainfo = Metainfo.from_bytes(torrent_of(url_list=b"http://seed/"))
    assert metainfo.web_seeds == ("http://seed/",)
    assert metainfo.trackers == ()


def test_the_first_100_trackers_are_kept() -> None:
    tiers: Value = [[b"http://t/%d" % (60 * tier + n) for n in range(60)] for tier in range(3)]
    trackers = Metainfo.from_bytes(torrent_of(announce_list=tiers)).trackers
    assert [len(tier) for tier in trackers] == [60, 40]


# What is built


@given(infos())
def test_what_is_built_is_read_again_the_same(info: Info) -> None:
    again = Info.from_bytes(info.raw)
    assert again == info
    assert again.info_hash == info.info_hash
    assert sorted(bencode.decode_dict_with_spans(info.raw)[0]) == sorted(
        [b"name", b"piece length", b"pieces", b"length" if info.single_file else b"files"]
        + [b"private"] * info.private
    )


@given(
    infos(),
    st.lists(
        st.lists(st.sampled_from(["wss://a/b", "udp://c:1", "http://d/"]), min_size=1, max_size=2),
        max_size=3,
    ),
    st.lists(st.sampled_from(["http://e/", "https://f/g"]), unique=True),
)
def test_a_torrent_file_survives_the_round_trip(
    info: Info, tiers: list[list[str]], seeds: list[str]
) -> None:
    seen: set[str] = set()
    unique = []
    for tier in tiers:
        fresh = tuple(dict.fromkeys(url for url in tier if url not in seen))
        seen.update(fresh)
        if fresh:
            unique.append(fresh)
    metainfo = Metainfo(info, tuple(unique), tuple(seeds))
    wire = metainfo.to_bytes()
    assert Metainfo.from_bytes(wire) == metainfo
    assert bencode.encode(bencode.decode(wire)) == wire, "its keys are sorted"


CREATE_TORRENT = {
    "single": b"d6:lengthi8e4:name9:README.md12:piece lengthi16384e6:pieces20:"
    b"\x69\x27\xd6\x08X\x06\xd0\xd0\xa2$\x04\xd0\xc2\xb2;U\xfb\x06c\xa7e",
    "folder": b"d5:filesld6:lengthi3e4:pathl5:a.txteed6:lengthi2e4:pathl6:\xc3\xa9.txteee4:name4:Kurs"
    b"12:piece lengthi16384e6:pieces20:"
    b"\xb8\xb6\xf4g#\xf5\xd8\x98\xdcl\x01\xaf\xdc]\xb3\xe8K\x16\xa1Je",
    "private": b"d6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20:"
    b"\x95\xcb\x0b\xfd)w\xc7a)\x8d\x96$\xe4\xb4\xd4\xc7*9\x97J7:privatei1ee",
}
"""Info dictionaries that create-torrent 6.1.3 wrote."""


def test_info_dictionaries_are_those_of_create_torrent_byte_for_byte() -> None:
    def sha1(data: bytes) -> bytes:
        return hashlib.sha1(data).digest()

    single = [TorrentFile(("README.md",), 8)]
    built = Info.build("README.md", 16_384, sha1(b"# Hello\n"), single, True)
    assert built.raw == CREATE_TORRENT["single"]
    folder = [TorrentFile(("a.txt",), 3), TorrentFile(("é.txt",), 2)]
    built = Info.build("Kurs", 16_384, sha1(b"aaabb"), folder, False)
    assert built.raw == CREATE_TORRENT["folder"]
    built = Info.build("x", 16_384, sha1(b"y"), [TorrentFile(("x",), 1)], True, private=True)
    assert built.raw == CREATE_TORRENT["private"]


@pytest.mark.parametrize(
    ("total", "piece_length"),
    [
        (0, 16_384),
        (1, 16_384),
        (1023, 16_384),
        (23_726_566, 16_384),
        (23_726_567, 32_768),
        (47_453_132, 32_768),
        (47_453_133, 65_536),
        (94_906_265, 65_536),
        (94_906_266, 131_072),
        (189_812_531, 131_072),
        (189_812_532, 262_144),
        (379_625_062, 262_144),
        (379_625_063, 524_288),
        (759_250_124, 524_288),
        (759_250_125, 1_048_576),
        (1_518_500_249, 1_048_576),
        (1_518_500_250, 2_097_152),
        (3_037_000_499, 2_097_152),
        (3_037_000_500, 4_194_304),
        (2**40, 4_194_304),
    ],
)
def test_the_piece_length_is_the_one_create_torrent_chooses(total: int, piece_length: int) -> None:
    assert choose_piece_length(total) == piece_length


def test_padding_is_built_too_so_that_what_was_read_can_be_built_again() -> None:
    files = [TorrentFile(("a",), 5), TorrentFile((".pad", "7"), 7, padding=True)]
    assert Info.build("n", 16 * KIB, HASH, files, False).files == tuple(files)


def test_a_name_that_is_not_text_cannot_be_built() -> None:
    name = "caf\udce9"
    with pytest.raises(MetainfoError, match="cannot be written as UTF-8"):
        Info.build(name, 16 * KIB, HASH, [TorrentFile((name,), 5)], True)


def test_a_size_that_cannot_be_written_cannot_be_built() -> None:
    with pytest.raises(MetainfoError, match="over 20 digits"):
        Info.build("a", 16 * KIB, HASH, [TorrentFile(("a",), 10**20)], True)


def test_what_could_not_be_read_cannot_be_built() -> None:
    with pytest.raises(MetainfoError, match="not 0"):
        Info.build("a", 16 * KIB, b"", [TorrentFile(("a",), 5)], True)
    with pytest.raises(MetainfoError, match="without a byte"):
        Info.build("a", 16 * KIB, b"", [], False)


# What other programs write and read


@pytest.fixture
def course(tmp_path: Path) -> Path:
    folder = tmp_path / "course"
    (folder / "data").mkdir(parents=True)
    (folder / "readme.md").write_bytes(b"# Hi\n")
    (folder / "data" / "a.bin").write_bytes(bytes(range(256)) * 200)
    (folder / "data" / "b.bin").write_bytes(bytes(range(256)) * 100)
    return folder


def libtorrent_torrent(folder: Path, flags: int) -> bytes:
    creator = libtorrent.create_torrent(libtorrent.list_files(str(folder)), 16 * KIB, flags)
    libtorrent.set_piece_hashes(creator, str(folder.parent))
    creator.add_tracker("udp://tracker:6969/announce", 0)
    creator.add_tracker("wss://tracker/announce", 1)
    creator.add_url_seed("http://seed/")
    return libtorrent.bencode(creator.generate())


def libtorrent_info(wire: bytes) -> libtorrent.torrent_info:
    info = libtorrent.load_torrent_buffer(wire).ti
    assert info is not None
    return info


def libtorrent_files(info: libtorrent.torrent_info) -> list[tuple[str, int]]:
    layout = info.layout()
    return [(layout.file_path(file), layout.file_size(file)) for file in range(layout.num_files())]


def test_libtorrents_torrents_are_read_as_libtorrent_reads_them(course: Path) -> None:
    wire = libtorrent_torrent(course, libtorrent.create_torrent.v1_only)
    metainfo = Metainfo.from_bytes(wire)
    theirs = libtorrent_info(wire)
    assert metainfo.info.info_hash.digest == theirs.info_hashes().v1.to_bytes()
    assert metainfo.info.piece_count == theirs.num_pieces() == 5
    assert [("/".join(("course", *file.path)), file.length) for file in metainfo.info.files] == (
        libtorrent_files(theirs)
    )
    assert metainfo.trackers == (("udp://tracker:6969/announce",), ("wss://tracker/announce",))
    assert metainfo.web_seeds == ("http://seed/",)


def test_a_hybrid_is_read_by_its_v1_side_with_its_padding(course: Path) -> None:
    wire = libtorrent_torrent(course, 0)
    info = Metainfo.from_bytes(wire).info
    theirs = libtorrent_info(wire)
    assert info.info_hash.digest == theirs.info_hashes().v1.to_bytes()
    assert theirs.info_hashes().has_v2()
    assert info.total == theirs.total_size()
    for piece in range(info.piece_count):
        assert info.layout.piece_size(piece) == theirs.piece_size(piece)
        assert info.piece_hash(piece) == theirs.hash_for_piece(piece)
    real = [file for file in info.files if not file.padding]
    assert sorted(file.path for file in real) == [
        ("data", "a.bin"),
        ("data", "b.bin"),
        ("readme.md",),
    ]
    assert len(info.files) > len(real)
    assert all(
        info.layout.file_offset(index) % info.piece_length == 0
        for index, file in enumerate(info.files)
        if not file.padding
    )


def test_a_v2_only_torrent_of_libtorrent_is_refused_by_name(course: Path) -> None:
    wire = libtorrent_torrent(course, libtorrent.create_torrent.v2_only)
    with pytest.raises(MetainfoError, match="BitTorrent v2 only, which is not supported"):
        Metainfo.from_bytes(wire)


def test_libtorrent_reads_ours_the_same() -> None:
    info = Info.from_bytes(bencode.encode(FOLDER))
    ours = Metainfo(info, (("udp://a:1/b", "ws://c/d"), ("https://e/f",)), ("http://seed/",))
    theirs = libtorrent.load_torrent_buffer(ours.to_bytes())
    described = libtorrent_info(ours.to_bytes())
    assert described.info_hashes().v1.to_bytes() == info.info_hash.digest
    assert described.name() == "course"
    assert theirs.trackers == ["udp://a:1/b", "ws://c/d", "https://e/f"]
    assert theirs.tracker_tiers == [0, 0, 1]
    assert theirs.url_seeds == ["http://seed/"]
    assert libtorrent_files(described) == [
        ("course/readme.md", 5),
        ("course/data/a.csv", 16 * KIB),
        ("course/empty", 0),
    ]


def test_torf_creates_the_info_dictionary_that_we_build(course: Path) -> None:
    theirs = torf.Torrent(course, piece_size=16 * KIB, trackers=["https://a/b"], private=True)
    theirs.generate(threads=1)
    metainfo = Metainfo.from_bytes(theirs.dump())
    assert str(metainfo.info.info_hash) == theirs.infohash
    assert metainfo.trackers == (("https://a/b",),)
    files = [TorrentFile(tuple(file.parts[1:]), file.size) for file in theirs.files]
    ours = Info.build("course", 16 * KIB, theirs.metainfo["info"]["pieces"], files, False, True)
    assert ours.raw == metainfo.info.raw


@given(infos())
def test_torf_reads_ours_the_same(info: Info) -> None:
    theirs = torf.Torrent.read_stream(Metainfo(info, (("wss://a/b",),)).to_bytes(), validate=False)
    assert theirs.infohash == str(info.info_hash)
    assert theirs.size == info.total
    assert theirs.piece_size == info.piece_length
    assert bool(theirs.private) == info.private
