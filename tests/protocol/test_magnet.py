from __future__ import annotations

import base64
from time import process_time

import libtorrent
import pytest
import torf
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.errors import MagnetError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.magnet import MagnetLink, parse_link_or_hash

HASH = InfoHash(bytes(range(236, 256)))
XT = f"magnet:?xt=urn:btih:{HASH}"
V2_HASH = "1220" + "ab" * 32

HOSTS = st.sampled_from(["tracker.example", "192.0.2.1", "[2001:db8::1]:8080"])
PATHS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=10)


def urls(*schemes: str) -> st.SearchStrategy[str]:
    return st.builds("{}://{}/{}".format, st.sampled_from(schemes), HOSTS, PATHS)


def some(values: st.SearchStrategy[str], limit: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, max_size=limit, unique=True).map(tuple)


@st.composite
def selections(draw: st.DrawFn) -> tuple[range, ...]:
    """Runs of file indexes, ascending and apart."""
    marks = sorted(draw(st.sets(st.integers(0, 999_999), max_size=8)))
    return tuple(
        range(start, stop)
        for start, stop in zip(marks[::2], marks[1::2], strict=False)
        if start < stop
    )


PEERS = st.builds(
    PeerAddress, st.sampled_from(["192.0.2.7", "2001:db8::1", "peer.local"]), st.integers(1, 65535)
)
LINKS = st.builds(
    MagnetLink,
    info_hash=st.binary(min_size=20, max_size=20).map(InfoHash),
    name=st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    trackers=some(urls("http", "https", "udp", "ws", "wss")),
    web_seeds=some(urls("http", "https")),
    exact_sources=some(urls("http", "https")),
    peers=st.lists(PEERS, max_size=3, unique=True).map(tuple),
    select=selections(),
)


def refused(text: str) -> str:
    with pytest.raises(MagnetError) as caught:
        MagnetLink.from_text(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What is read


@pytest.mark.parametrize(
    "text",
    [
        XT,
        XT.replace("magnet", "MAGNET").replace("xt", "XT").replace("urn:btih", "URN:BTIH"),
        f"magnet:?xt=urn:btih:{str(HASH).upper()}",
        f"magnet:?xt=urn:btih:{base64.b32encode(HASH.digest).decode()}",
        f"magnet:?xt=urn%3Abtih%3A{HASH}",
        f"magnet:?xt.1=urn:btih:{HASH}",
        f"{XT}&xt=urn:btih:{HASH}",
        f"{XT}&xt=urn:btmh:{V2_HASH}",
        f"magnet:?xt=urn:sha1:abc&xt=urn:btih:{HASH}",
        f"  {XT}\n",
        f"{XT}&xl=5&kt=a+b&x.unknown=1&tr=&dn=&&=&so=&x.pe=",
        f"{XT}&xs=urn:btpk:{'0' * 64}",
        f"{XT}#room=secret",
    ],
)
def test_a_link_to_the_same_torrent_in_other_words(text: str) -> None:
    assert MagnetLink.from_text(text) == MagnetLink(HASH)


def test_everything_a_link_can_say_is_read() -> None:
    link = MagnetLink.from_text(
        f"{XT}&dn=Caf%C3%A9+%2B+1&tr=wss%3A%2F%2Fa%2Fb&tr.2=udp://c:1/d&tr=wss%3A%2F%2Fa%2Fb"
        "&ws=http%3A%2F%2Fe%2Ff+g&xs=https%3A%2F%2Fh%2Fi.torrent"
        "&x.pe=192.0.2.7:6881&x.pe=%5B%3A%3A1%5D%3A80&so=4,0-2"
    )
    assert link == MagnetLink(
        HASH,
        name="Café + 1",
        trackers=("wss://a/b", "udp://c:1/d"),
        web_seeds=("http://e/f+g",),
        exact_sources=("https://h/i.torrent",),
        peers=(PeerAddress("192.0.2.7", 6881), PeerAddress("::1", 80)),
        select=(range(3), range(4, 5)),
    )


@pytest.mark.parametrize(
    ("so", "select"),
    [
        ("0", (range(1),)),
        ("0,2,4,6-8", (range(1), range(2, 3), range(4, 5), range(6, 9))),
        ("6-8,0", (range(1), range(6, 9))),
        ("1-5,2-3,6", (range(1, 7),)),
        ("1-1,1", (range(1, 2),)),
        ("999999", (range(999_999, 1_000_000),)),
    ],
)
def test_selected_files_are_ascending_runs_that_do_not_touch(
    so: str, select: tuple[range, ...]
) -> None:
    assert MagnetLink.from_text(f"{XT}&so={so}").select == select
    assert MagnetLink.from_text(f"{XT}&so={so.replace(',', '&so=')}").select == select


def test_a_secret_in_the_fragment_never_becomes_part_of_a_url() -> None:
    link = MagnetLink.from_text(f"{XT}&tr=wss%3A%2F%2Fa%2Fb#secret&tr=wss%3A%2F%2Fc")
    assert link.trackers == ("wss://a/b",)


# What is refused


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begins with magnet:?"),
        ("magnet:", "begins with magnet:?"),
        (f"http://x/?xt=urn:btih:{HASH}", "begins with magnet:?"),
        ("magnet:?", "without an info hash"),
        ("magnet:?dn=name", "without an info hash"),
        (f"magnet:?xt={HASH}", "without an info hash"),
        (f"magnet:?xt=urn:ed2k:{HASH}", "without an info hash"),
        ("magnet:?xt=urn:btih:", "not 0"),
        ("magnet:?xt=urn:btih:" + "g" * 40, "not a hexadecimal or base32 info hash"),
        ("magnet:?xt=urn:btih:" + "0" * 32, "not a hexadecimal or base32 info hash"),
        ("magnet:?xt=urn:btih:" + "a" * 39, "not 39"),
        (f"{XT}&xt=urn:btih:{'a' * 40}", "one info hash, not 2"),
        (f"magnet:?xt=urn:btmh:{V2_HASH}", "BitTorrent v2 only, which is not supported"),
        (f"{XT}&tr=file%3A%2F%2F%2Fetc%2Fpasswd", "tr cannot be used: its scheme must be http"),
        (f"{XT}&tr=wss%3A%2F%2Fa&tr=javascript:1", "tr cannot be used"),
        (f"{XT}&tr=wss%3A%2F%2F", "tr cannot be used: a wss URL names no host"),
        (f"{XT}&ws=file%3A%2F%2F%2Fetc%2Fpasswd", "ws cannot be used"),
        (f"{XT}&ws=wss%3A%2F%2Fa", "ws cannot be used: its scheme must be http, https, not 'wss'"),
        (f"{XT}&xs=file%3A%2F%2F%2Fetc%2Fpasswd", "xs cannot be used"),
        (f"{XT}&x.pe=192.0.2.7", "x.pe cannot be used"),
        (f"{XT}&x.pe=192.0.2.7:0", "x.pe cannot be used: a port is 1 to 65535, not 0"),
        (f"{XT}&so=x", "so is made of N and N-M, not 'x'"),
        (f"{XT}&so=1,", "so is made of N and N-M, not ''"),
        (f"{XT}&so=-1", "so is made of N and N-M, not '-1'"),
        (f"{XT}&so=1000000", "so is made of N and N-M, not '1000000'"),
        (f"{XT}&so={'9' * 4000}", "not '99999999999999999999'"),
        (f"{XT}&so=3-2", "so runs backwards: '3-2'"),
    ],
)
def test_a_link_that_makes_no_sense_is_refused(text: str, reason: str) -> None:
    assert reason in refused(text)


def test_a_link_is_at_most_8_192_bytes() -> None:
    assert MagnetLink.from_text(f"{XT}&dn=".ljust(8192, "x")).name
    assert "at most 8,192 bytes" in refused(f"{XT}&dn=".ljust(8193, "x"))
    assert "at most 8,192 bytes" in refused(f"{XT}&dn=" + "é" * 4096)


@pytest.mark.parametrize(
    ("parameter", "limit", "what"),
    [
        ("tr=wss://t/{}", 20, "20 trackers, not 21"),
        ("ws=http://t/{}", 20, "20 web seeds, not 21"),
        ("xs=http://t/{}", 20, "20 exact sources, not 21"),
        ("x.pe=192.0.2.7:{}", 50, "50 peers, not 51"),
    ],
)
def test_a_link_has_at_most_20_trackers_20_web_seeds_and_50_peers(
    parameter: str, limit: int, what: str
) -> None:
    link = "&".join([XT, *(parameter.format(n) for n in range(1, limit + 1))])
    found = MagnetLink.from_text(link)
    assert len(found.trackers + found.web_seeds + found.exact_sources + found.peers) == limit
    again = f"{link}&{parameter.format(1)}"
    assert MagnetLink.from_text(again) == found, "the same one twice counts once"
    assert f"at most {what}" in refused(f"{link}&{parameter.format(limit + 1)}")


@pytest.mark.parametrize("part", ["&tr=wss://t/{}", "&so={}", "&x.pe=a:{}", "&%{}", "{}"])
def test_a_bomb_is_refused_at_once(part: str) -> None:
    link = XT + "".join(part.format(n) for n in range(200_000))
    began = process_time()
    refused(link)
    assert process_time() - began < 1


def test_a_link_cut_at_any_byte_is_read_or_refused() -> None:
    whole = str(MagnetLink(HASH, "a b", ("wss://a/b",), peers=(PeerAddress("::1", 80),)))
    for cut in range(len(XT)):
        refused(whole[:cut])
    for cut in range(len(XT), len(whole)):
        try:
            assert MagnetLink.from_text(whole[:cut]).info_hash == HASH
        except MagnetError as error:
            reason = str(error)
            assert "cannot be used" in reason


@given(
    st.lists(
        st.sampled_from(["xt", "tr", "ws", "xs", "so", "x.pe", "dn", "xt.1"])
        | st.sampled_from(
            ["=", "&", "%", "urn:btih:", "http://", "%5B", "]", "#", "é", "\ud800", ","]
        )
        | st.text(max_size=5),
        max_size=12,
    ).map("".join)
)
def test_any_text_gives_a_link_that_reads_back_or_the_typed_error(text: str) -> None:
    for link in (text, f"magnet:?{text}", f"{XT}&{text}"):
        try:
            found = parse_link_or_hash(link)
        except MagnetError as error:
            reason = str(error)
            assert "\n" not in reason
        else:
            assert MagnetLink.from_text(str(found)) == found


# What is written


def test_a_link_is_written_as_browsers_and_liascript_take_it() -> None:
    link = MagnetLink(
        HASH,
        name="Kurs 1/ü",
        trackers=("wss://tracker.example/announce", "udp://t:1"),
        web_seeds=("https://seed/x",),
        exact_sources=("https://seed/x.torrent",),
        peers=(PeerAddress("192.0.2.7", 6881), PeerAddress("::1", 80)),
        select=(range(1), range(3, 6)),
    )
    assert str(link) == (
        "magnet:?xt=urn:btih:ecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
        "&dn=Kurs%201%2F%C3%BC"
        "&tr=wss%3A%2F%2Ftracker.example%2Fannounce&tr=udp%3A%2F%2Ft%3A1"
        "&ws=https%3A%2F%2Fseed%2Fx"
        "&x.pe=192.0.2.7:6881&x.pe=[::1]:80"
        "&xs=https%3A%2F%2Fseed%2Fx.torrent"
        "&so=0,3-5"
    )


def test_a_name_that_is_not_text_is_written_with_replacements() -> None:
    assert str(MagnetLink(HASH, name="caf\udce9")) == f"{XT}&dn=caf%3F"


@given(LINKS)
def test_a_link_survives_the_round_trip(link: MagnetLink) -> None:
    assert MagnetLink.from_text(str(link)) == link
    assert parse_link_or_hash(str(link)) == link


# What stands alone


@pytest.mark.parametrize(
    "text", [str(HASH), str(HASH).upper(), f" {base64.b32encode(HASH.digest).decode()}\n", XT]
)
def test_a_bare_info_hash_is_a_link(text: str) -> None:
    assert parse_link_or_hash(text) == MagnetLink(HASH)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "neither a magnet link nor an info hash"),
        ("data.csv", "neither a magnet link nor an info hash"),
        ("a" * 41, "neither a magnet link nor an info hash"),
        ("magnet:xt", "begins with magnet:?"),
        ("z" * 40, "not a hexadecimal or base32 info hash"),
    ],
)
def test_what_is_neither_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MagnetError) as caught:
        parse_link_or_hash(text)
    assert reason in str(caught.value)


# What other programs write and read


@given(LINKS)
def test_libtorrent_reads_ours_the_same(link: MagnetLink) -> None:
    theirs = libtorrent.parse_magnet_uri(str(link))
    assert theirs.info_hashes.v1.to_bytes() == link.info_hash.digest
    assert theirs.trackers == list(link.trackers)
    assert theirs.url_seeds == list(link.web_seeds)
    numeric = [(peer.host, peer.port) for peer in link.peers if peer.host != "peer.local"]
    assert theirs.peers == numeric


def test_libtorrent_reads_our_selection_and_name_the_same() -> None:
    theirs = libtorrent.parse_magnet_uri(str(MagnetLink(HASH, name="a é+&", select=(range(2, 4),))))
    assert theirs.name == "a é+&"
    assert [bool(priority) for priority in theirs.file_priorities] == [False, False, True, True]


def test_we_read_libtorrents_the_same() -> None:
    ours = MagnetLink(
        HASH,
        name="a é+&",
        trackers=("wss://a/b?c=d&e", "udp://f:1"),
        web_seeds=("http://g/h i".replace(" ", "%20"),),
        peers=(PeerAddress("192.0.2.7", 6881), PeerAddress("::1", 80)),
        select=(range(1), range(3, 6)),
    )
    theirs = libtorrent.make_magnet_uri(libtorrent.parse_magnet_uri(str(ours)))
    assert MagnetLink.from_text(theirs) == ours


def test_torf_reads_ours_and_we_read_torfs() -> None:
    ours = MagnetLink(HASH, "a é+&", ("https://a/b?c=d&e",), ("http://g/h",), ("http://i/j",))
    theirs = torf.Magnet.from_string(str(ours))
    assert theirs.infohash == str(HASH)
    assert theirs.dn == ours.name
    assert tuple(theirs.tr) == ours.trackers
    assert MagnetLink.from_text(str(theirs)) == ours


@pytest.mark.parametrize(
    "link",
    [
        MagnetLink(
            InfoHash(bytes(20)),
            name="日本語" * 400,
            trackers=tuple(f"wss://tracker-{n}.example.org/{'x' * 400}" for n in range(30)),
            web_seeds=tuple(f"https://seed-{n}.example.org/{'y' * 400}" for n in range(30)),
        ),
        MagnetLink(
            InfoHash(bytes(20)), trackers=tuple(f"wss://t{n}.example.org" for n in range(25))
        ),
        MagnetLink(InfoHash(bytes(20)), name="data.csv"),
    ],
)
def test_a_shortened_link_can_be_read(link: MagnetLink) -> None:
    short = link.shortened()
    read = MagnetLink.from_text(str(short))
    assert read == short
    assert read.info_hash == link.info_hash
    assert len(read.trackers) <= 20
    assert set(read.trackers) <= set(link.trackers)


def test_a_name_that_is_no_text_can_be_printed_all_the_same() -> None:
    link = MagnetLink.from_text(f"magnet:?xt=urn:btih:{'ab' * 20}&dn=a\udca2b")
    assert link.name == "a?b"
    assert MagnetLink.from_text(str(link)) == link
