"""HTTP announces and scrapes: what is asked, byte for byte, and what is made of any reply and any query."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.announce import (
    DEFAULT_NUMWANT,
    LONGEST_INTERVAL,
    MAX_PEERS,
    MAX_SCRAPE_HASHES,
    UNKNOWN_LEFT,
    SwarmCounts,
    TcpAnnounce,
    TcpAnnounceResponse,
)
from jupyter_webtorrent.protocol.errors import TrackerMessageError
from jupyter_webtorrent.protocol.http_tracker import (
    DEFAULT_INTERVAL,
    MAX_QUERY_BYTES,
    MAX_REPLY_BYTES,
    TrackerFailureError,
    announce_url,
    encode_announce_response,
    encode_failure,
    encode_scrape_response,
    parse_announce,
    parse_announce_response,
    parse_scrape,
    parse_scrape_response,
    scrape_url,
)
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId

HASH = InfoHash(bytes(range(20, 40)))
PEER_ID = PeerId(b"-JW0010-\x00\x80\xff %&+=?#/1")
URL = "http://tracker.example/announce"

twenty_bytes = st.binary(min_size=20, max_size=20)
counts = st.integers(0, (1 << 63) - 1)
announces = st.builds(
    TcpAnnounce,
    info_hash=twenty_bytes.map(InfoHash),
    peer_id=twenty_bytes.map(PeerId),
    port=st.integers(1, 65535),
    uploaded=counts,
    downloaded=counts,
    left=counts,
    event=st.sampled_from([None, "started", "stopped", "completed"]),
    numwant=st.integers(0, MAX_PEERS),
)
addresses = st.builds(
    PeerAddress, st.ip_addresses(v=4).map(str) | st.just("2001:db8::1"), st.integers(1, 65535)
)
responses = st.builds(
    TcpAnnounceResponse,
    interval=st.integers(1, int(LONGEST_INTERVAL)).map(float),
    min_interval=st.none() | st.integers(1, int(LONGEST_INTERVAL)).map(float),
    complete=st.none() | counts,
    incomplete=st.none() | counts,
    peers=st.lists(addresses, max_size=MAX_PEERS, unique=True).map(
        lambda found: tuple(sorted(found, key=lambda address: ":" in address.host))
    ),
    external_ip=st.none() | st.ip_addresses().map(str),
)


def query_of(url: str) -> str:
    return url.partition("?")[2]


def outcome_of(body: bytes) -> TcpAnnounceResponse | str:
    """The reply, or why it cannot be read."""
    try:
        return parse_announce_response(body)
    except TrackerMessageError as error:
        return str(error)


@given(announces)
def test_a_query_says_exactly_what_was_announced(announce: TcpAnnounce) -> None:
    assert parse_announce(query_of(announce_url(URL, announce))) == announce


def test_a_query_is_written_as_bep_3_has_it() -> None:
    announce = TcpAnnounce(
        info_hash=HASH, peer_id=PEER_ID, port=6881, event="started", key=0xABC, tracker_id=b"\xff&"
    )
    assert query_of(announce_url(URL, announce)) == (
        "info_hash=%14%15%16%17%18%19%1A%1B%1C%1D%1E%1F%20%21%22%23%24%25%26%27"
        "&peer_id=-JW0010-%00%80%FF%20%25%26%2B%3D%3F%23%2F1"
        f"&port=6881&uploaded=0&downloaded=0&left={UNKNOWN_LEFT}&compact=1&numwant=50"
        "&key=00000ABC&event=started&trackerid=%FF%26"
    )


def test_a_trackers_own_query_stays_and_its_fragment_does_not() -> None:
    announce = TcpAnnounce(info_hash=HASH, peer_id=PEER_ID, port=1)
    url = announce_url("http://tracker.example/a%2Fb?passkey=x%20y#room-secret", announce)
    assert url.startswith("http://tracker.example/a%2Fb?passkey=x%20y&info_hash=%14")
    assert "secret" not in url
    assert dict(parse_qsl(query_of(url), encoding="latin-1"))["port"] == "1"


@pytest.mark.parametrize(
    ("announce", "scrape"),
    [
        ("http://e/announce", "http://e/scrape?"),
        ("http://e/x/announce", "http://e/x/scrape?"),
        ("http://e/announce.php?k=1", "http://e/scrape.php?k=1&"),
        ("http://e/a", None),
        ("http://e/announce/room", None),
        ("http://e/x%064announce", None),
    ],
)
def test_a_scrapes_url_follows_from_the_announces(announce: str, scrape: str | None) -> None:
    found = scrape_url(announce, HASH)
    assert found is None if scrape is None else str(found).startswith(scrape + "info_hash=%14%15")


@given(responses)
def test_a_reply_is_read_as_it_was_written(response: TcpAnnounceResponse) -> None:
    assert parse_announce_response(encode_announce_response(response)) == response


@given(st.binary(max_size=300) | st.builds(bytes.__add__, st.just(b"d"), st.binary(max_size=100)))
def test_any_bytes_are_a_reply_or_one_plain_error(body: bytes) -> None:
    outcome = outcome_of(body)
    if isinstance(outcome, str):
        assert outcome.isprintable()
    else:
        assert 1 <= outcome.interval <= LONGEST_INTERVAL


values = st.recursive(
    st.integers(-(1 << 62), 1 << 62) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=4), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                b"peers",
                b"peers6",
                b"interval",
                b"min interval",
                b"complete",
                b"tracker id",
                b"warning message",
                b"external ip",
                b"failure reason",
            ]
        ),
        values,
    )
)
@example({b"peers": [b"x", [], {b"ip": b"\xff"}, {b"ip": b"1.2.3.4"}]})
@example({b"interval": -1, b"complete": -1})
def test_members_of_any_kind_do_no_harm(reply: dict[bytes, bencode.Value]) -> None:
    outcome = outcome_of(bencode.encode(reply))
    if isinstance(outcome, str):
        assert outcome.isprintable()
    else:
        assert outcome.warning.isprintable()
        assert len(outcome.peers) <= MAX_PEERS


def test_peers_as_dictionaries_count_if_they_have_an_ip_address() -> None:
    entries: list[bencode.Encodable] = [
        {"ip": "10.0.0.1", "port": 1, "peer id": b"x" * 20},
        {"ip": "::1", "port": 2},
        {"ip": "localhost", "port": 3},
        {"ip": "10.0.0.2", "port": 0},
        {"ip": "10.0.0.2", "port": 65536},
        {"ip": b"\xff\xff", "port": 5},
        {"port": 5},
        7,
    ]
    response = parse_announce_response(bencode.encode({"peers": entries}))
    assert response.peers == (PeerAddress("10.0.0.1", 1), PeerAddress("::1", 2))


def test_both_kinds_of_addresses_are_taken_up_to_a_limit() -> None:
    both = {"peers": b"\x0a\x00\x00\x01\x00\x01", "peers6": bytes(15) + b"\x01\x00\x02"}
    response = parse_announce_response(bencode.encode(both))
    assert response.peers == (PeerAddress("10.0.0.1", 1), PeerAddress("::1", 2))
    many = b"".join(bytes((10, 0, n >> 8, n & 255, 0, 80)) for n in range(1000))
    assert len(parse_announce_response(bencode.encode({"peers": many})).peers) == MAX_PEERS


def test_a_cut_list_of_peers_is_refused() -> None:
    with pytest.raises(TrackerMessageError, match="its peers cannot be read"):
        parse_announce_response(b"d5:peers5:12345e")
    with pytest.raises(TrackerMessageError, match="neither a string nor a list"):
        parse_announce_response(b"d5:peersi1ee")


def test_a_failure_is_told_in_one_harmless_line() -> None:
    for reason, told in [
        (b"not\x1b[2J registered\n", "the tracker refused: not\ufffd[2J registered"),
        (b"x" * 5000, "the tracker refused: " + "x" * 200),
        (b"", "the tracker refused: it does not say why"),
        ([], "the tracker refused: it does not say why"),
    ]:
        with pytest.raises(TrackerFailureError) as caught:
            parse_announce_response(bencode.encode({"failure reason": reason, "interval": 1}))
        assert str(caught.value) == told
    with pytest.raises(TrackerFailureError, match="the tracker refused: full"):
        parse_announce_response(encode_failure("full"))


@pytest.mark.parametrize(
    ("body", "interval", "least"),
    [
        (b"de", DEFAULT_INTERVAL, None),
        (b"d12:min intervali60ee", 60, 60),
        (b"d8:intervali0ee", 1, None),
        (b"d8:intervali99999999ee", LONGEST_INTERVAL, None),
        (b"d8:interval3:abce", DEFAULT_INTERVAL, None),
        (b"d8:intervali900e12:min intervali300ee\r\n", 900, 300),
    ],
)
def test_intervals_are_held_within_reason(body: bytes, interval: float, least: float) -> None:
    response = parse_announce_response(body)
    assert (response.interval, response.min_interval) == (interval, least)


def test_the_trackers_words_about_itself_are_kept_within_bounds() -> None:
    response = parse_announce_response(
        b"d11:external ip4:\x0a\x00\x00\x0710:tracker id3:\xff\x00x15:warning message4:slowe"
    )
    assert response.tracker_id == b"\xff\x00x"
    assert response.warning == "slow"
    assert response.external_ip == "10.0.0.7"
    long = bencode.encode({"tracker id": b"x" * 201, "external ip": b"12345"})
    assert parse_announce_response(long) == TcpAnnounceResponse(interval=DEFAULT_INTERVAL)


def test_a_reply_too_large_or_of_another_kind_is_refused() -> None:
    with pytest.raises(TrackerMessageError, match="over 1,048,576 bytes"):
        parse_announce_response(b"d1:x" + b"%d:" % MAX_REPLY_BYTES + bytes(MAX_REPLY_BYTES) + b"e")
    with pytest.raises(TrackerMessageError, match="not a dictionary"):
        parse_announce_response(b"le")
    with pytest.raises(TrackerMessageError, match="not bencode"):
        parse_announce_response(b"<html>")


def test_a_scrape_is_read_as_it_was_written() -> None:
    other = InfoHash(b"o" * 20)
    wire = encode_scrape_response({HASH: SwarmCounts(1, 2, 3), other: SwarmCounts()})
    assert parse_scrape_response(wire, HASH) == SwarmCounts(1, 2, 3)
    for body in (wire, b"de", b"d5:filesi1ee"):
        with pytest.raises(TrackerMessageError, match="does not name the torrent"):
            parse_scrape_response(body, InfoHash(b"x" * 20))
    with pytest.raises(TrackerFailureError, match="no scraping"):
        parse_scrape_response(encode_failure("no scraping"), HASH)


@given(st.text(max_size=200))
@example("info_hash=%ZZ&peer_id=%")
@example("&" * 300)
@example("x" * (MAX_QUERY_BYTES + 1))
def test_any_query_is_an_announce_or_one_plain_error(query: str) -> None:
    for parse in (parse_announce, parse_scrape):
        with pytest.raises(TrackerMessageError) as caught:
            parse(query)
        assert str(caught.value).isprintable()


WHOLE = f"info_hash={'%14' * 20}&peer_id={'p' * 20}&port=80"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (WHOLE.replace("%14", "", 1), "info_hash is not 20 bytes"),
        (WHOLE + "&info_hash=" + "x" * 20, "info_hash is not 20 bytes"),
        (WHOLE.replace("pppp", ""), "peer_id is not 20 bytes"),
        (WHOLE.replace("port=80", "port=0"), "port is not 1 to 65535"),
        (WHOLE.replace("port=80", "port=65536"), "port is not 1 to 65535"),
        (WHOLE + "&left=1e3", "left is not a number"),
        (WHOLE + "&left=" + "9" * 19, "left is not a number"),
        (WHOLE + "&uploaded=" + "1" * 5000, "uploaded is not a number"),
    ],
)
def test_a_bad_announce_is_refused(query: str, message: str) -> None:
    with pytest.raises(TrackerMessageError, match=message):
        parse_announce(query)


def test_what_an_announce_may_leave_out() -> None:
    announce = parse_announce(WHOLE + "&numwant=-1&event=paused&ip=10.0.0.1&compact=0")
    assert announce == TcpAnnounce(
        info_hash=InfoHash(b"\x14" * 20), peer_id=PeerId(b"p" * 20), port=80
    )
    assert announce.numwant == DEFAULT_NUMWANT
    assert parse_announce(WHOLE + "&numwant=10000").numwant == MAX_PEERS


def test_a_scrape_names_a_bounded_number_of_torrents() -> None:
    one = "info_hash=" + "%14" * 20
    assert parse_scrape(one) == (InfoHash(b"\x14" * 20),)
    for query in ("", "info_hash=x", "&".join(["info_hash=" + "x" * 20] * (MAX_SCRAPE_HASHES + 1))):
        with pytest.raises(TrackerMessageError):
            parse_scrape(query)
