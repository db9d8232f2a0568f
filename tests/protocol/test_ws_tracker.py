"""The messages of a WebSocket tracker: what real peers send is read, what nobody should send is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.announce import (
    LONGEST_INTERVAL,
    MAX_SCRAPE_HASHES,
    Event,
    SwarmCounts,
)
from jupyter_webtorrent.protocol.errors import TrackerMessageError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.message_budget import MESSAGE_BURST, MessageBudget
from jupyter_webtorrent.protocol.ws_messages import (
    DEFAULT_INTERVAL,
    Announce,
    AnnounceResponse,
    Answer,
    Failure,
    Offer,
    RelayedAnswer,
    RelayedOffer,
    Reply,
    Request,
    Scrape,
    ScrapeResponse,
    TrackerWarning,
)
from jupyter_webtorrent.protocol.ws_tracker import (
    MAX_FRAME_BYTES,
    MAX_OFFERS,
    MAX_SDP_BYTES,
    BadRequestError,
    encode_reply,
    encode_request,
    parse_reply,
    parse_request,
)

HASH = InfoHash(bytes(range(236, 256)))
PEER = PeerId(b"-JW0010-\x00\x7f\x80\xff12345678")
OTHER = PeerId(b"-WW0300-abcdefghijkl")
OFFER_ID = bytes(range(120, 140))

HASH_TEXT = HASH.digest.decode("latin-1")
PEER_TEXT = PEER.raw.decode("latin-1")
OTHER_TEXT = OTHER.raw.decode("latin-1")
OFFER_ID_TEXT = OFFER_ID.decode("latin-1")

twenty_bytes = st.binary(min_size=20, max_size=20)
info_hashes = st.builds(InfoHash, twenty_bytes)
named_hashes = info_hashes.filter(lambda info_hash: any(info_hash.digest))
peer_ids = st.builds(PeerId, twenty_bytes)
sdps = st.text(st.characters(codec="utf-8"), max_size=200)
offers = st.builds(Offer, twenty_bytes, sdps)
counts = st.integers(0, (1 << 63) - 1)
lines = st.from_regex(r"[a-z]([a-z ]{0,20}[a-z])?", fullmatch=True)

requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(
        Announce,
        info_hash=info_hashes,
        peer_id=peer_ids,
        uploaded=counts,
        downloaded=counts,
        left=st.none() | counts,
        event=st.sampled_from([None, "started"]),
        numwant=counts,
        offers=st.lists(offers, max_size=MAX_OFFERS).map(tuple),
    ),
    st.builds(
        Announce,
        info_hash=info_hashes,
        peer_id=peer_ids,
        event=st.sampled_from(["stopped", "completed"]),
    ),
    st.builds(
        Answer,
        info_hash=info_hashes,
        peer_id=peer_ids,
        to_peer_id=peer_ids,
        offer_id=twenty_bytes,
        sdp=sdps,
    ),
    st.builds(Scrape, st.lists(info_hashes, min_size=1, max_size=20).map(tuple)),
)
replies: st.SearchStrategy[Reply] = st.one_of(
    st.builds(
        AnnounceResponse,
        info_hash=info_hashes,
        interval=st.integers(1, int(LONGEST_INTERVAL)).map(float),
        complete=st.none() | counts,
        incomplete=st.none() | counts,
        warning=st.just("") | lines,
    ),
    st.builds(
        RelayedOffer, info_hash=info_hashes, peer_id=peer_ids, offer_id=twenty_bytes, sdp=sdps
    ),
    st.builds(
        RelayedAnswer, info_hash=info_hashes, peer_id=peer_ids, offer_id=twenty_bytes, sdp=sdps
    ),
    st.builds(
        ScrapeResponse,
        st.dictionaries(info_hashes, st.builds(SwarmCounts, counts, counts, counts), max_size=5),
    ),
    st.builds(Failure, st.none() | named_hashes, lines, st.sampled_from(["announce", "scrape"])),
    st.builds(TrackerWarning, st.none() | named_hashes, lines),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=25),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def announce_members(**changes: object) -> dict[str, Any]:
    members: dict[str, Any] = {
        "action": "announce",
        "info_hash": HASH_TEXT,
        "peer_id": PEER_TEXT,
        "numwant": 1,
        "uploaded": 0,
        "downloaded": 0,
        "left": 10,
        "event": "started",
        "offers": [offer_member()],
    }
    return members | changes


def offer_member(sdp: object = "v=0") -> dict[str, Any]:
    return {"offer": {"type": "offer", "sdp": sdp}, "offer_id": OFFER_ID_TEXT}


def answer_members(**changes: object) -> dict[str, Any]:
    members: dict[str, Any] = {
        "action": "announce",
        "info_hash": HASH_TEXT,
        "peer_id": PEER_TEXT,
        "to_peer_id": OTHER_TEXT,
        "answer": {"type": "answer", "sdp": "v=0"},
        "offer_id": OFFER_ID_TEXT,
    }
    return members | changes


def parse_announce(**changes: object) -> Announce:
    request = parse_request(json.dumps(announce_members(**changes)))
    assert isinstance(request, Announce)
    return request


@given(requests)
def test_a_request_survives_the_wire(request: Request) -> None:
    assert parse_request(encode_request(request)) == request
    assert parse_request(encode_request(request).encode()) == request


@given(replies)
def test_a_reply_survives_the_wire(reply: Reply) -> None:
    assert parse_reply(encode_reply(reply)) == reply
    assert parse_reply(encode_reply(reply).encode()) == reply


@given(replies)
def test_every_reply_carries_an_action_and_an_info_hash(reply: Reply) -> None:
    members = json.loads(encode_reply(reply))
    assert members["action"] in ("announce", "scrape")
    assert len(members["info_hash"].encode("latin-1")) == 20


@given(st.binary(max_size=200) | st.text(max_size=200) | json_values.map(json.dumps))
def test_any_junk_is_refused_with_a_typed_error(frame: str | bytes) -> None:
    for parse in (parse_request, parse_reply):
        with pytest.raises(TrackerMessageError):
            parse(frame)


@given(
    st.sampled_from([announce_members(), answer_members()]),
    st.sampled_from(sorted(announce_members() | answer_members())),
    json_values,
)
def test_any_member_of_any_type_is_read_or_refused(
    members: dict[str, Any], name: str, value: object
) -> None:
    frame = json.dumps(members | {name: value})
    with suppress(BadRequestError):
        request = parse_request(frame)
        assert parse_request(encode_request(request)) == request
    with suppress(TrackerMessageError):
        reply = parse_reply(frame)
        assert parse_reply(encode_reply(reply)) == reply


def test_a_browser_that_has_only_the_magnet_is_a_downloader() -> None:
    assert parse_announce(left=None).left is None


def test_numbers_may_come_as_text_or_as_floats() -> None:
    announce = parse_announce(left="17", uploaded=3.0, numwant="4")
    assert (announce.left, announce.uploaded, announce.numwant) == (17, 3, 4)


def test_a_missing_numwant_asks_for_as_many_peers_as_there_are_offers() -> None:
    members = announce_members(offers=[offer_member(), offer_member()])
    del members["numwant"]
    request = parse_request(json.dumps(members))
    assert isinstance(request, Announce)
    assert request.numwant == 2


def test_missing_counters_and_offers_are_none() -> None:
    request = parse_request(
        json.dumps({"action": "announce", "info_hash": HASH_TEXT, "peer_id": PEER_TEXT})
    )
    assert request == Announce(info_hash=HASH, peer_id=PEER)


@pytest.mark.parametrize("event", [None, "", "empty", "update", "paused", "something new"])
def test_an_event_that_changes_nothing_is_a_periodic_update(event: str | None) -> None:
    assert parse_announce(event=event).event is None


def test_what_libtorrent_adds_is_ignored() -> None:
    announce = parse_announce(key="1A2B3C4D", corrupt=0, trackerid="x", offers=[])
    assert announce.offers == ()


def test_a_null_answer_is_an_announce() -> None:
    assert parse_announce(answer=None).offers == (Offer(OFFER_ID, "v=0"),)


def test_stopped_and_completed_carry_no_offers() -> None:
    events: tuple[Event, ...] = ("stopped", "completed")
    for event in events:
        announce = Announce(info_hash=HASH, peer_id=PEER, event=event)
        assert "offers" not in json.loads(encode_request(announce))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"offers": [None]}, "an offer is not a JSON object"),
        ({"offers": None}, "offers is not a list"),
        ({"offers": {}}, "offers is not a list"),
        ({"offers": [{"offer_id": OFFER_ID_TEXT}]}, "offer is not a JSON object"),
        ({"offers": [offer_member(None)]}, "sdp is not text"),
        ({"offers": [offer_member() | {"offer_id": "short"}]}, "offer_id is not a text of 20"),
        ({"offers": [{"offer": {"type": "answer", "sdp": ""}}]}, "offer_id"),
        (
            {"offers": [offer_member() | {"offer": {"type": "answer", "sdp": ""}}]},
            "the type of the offer is not offer",
        ),
        ({"offers": [offer_member("x" * (MAX_SDP_BYTES + 1))]}, "description over 16384 bytes"),
        ({"offers": [offer_member("é" * (MAX_SDP_BYTES // 2 + 1))]}, "over 16384 bytes"),
        ({"offers": [offer_member()] * 11}, "11 offers in a message, over 10"),
        ({"info_hash": HASH.digest.hex()}, "info_hash is not a text of 20 characters"),
        ({"info_hash": None}, "info_hash is not a text of 20 characters"),
        ({"peer_id": "€" * 20}, "peer_id has characters over U\\+00FF"),
        ({"left": -1}, "left is out of range"),
        ({"left": 1e30}, "left is out of range"),
        ({"left": True}, "left is not a number"),
        ({"left": "1_0"}, "left is not a number"),
        ({"left": "9" * 30}, "left is not a number"),
        ({"left": []}, "left is not a number"),
        ({"event": 1}, "event is not text"),
        ({"action": "connect"}, "neither announce nor scrape"),
        ({"action": None}, "neither announce nor scrape"),
        ({"answer": {"type": "answer", "sdp": ""}}, "to_peer_id is not a text of 20 characters"),
    ],
)
def test_a_bad_announce_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRequestError, match=reason):
        parse_announce(**changes)


def test_a_refusal_names_the_torrent_where_it_could_be_read() -> None:
    with pytest.raises(BadRequestError) as refused:
        parse_announce(offers=[None])
    assert refused.value.failure == Failure(HASH, str(refused.value))
    with pytest.raises(BadRequestError) as refused:
        parse_announce(info_hash=7)
    assert refused.value.failure.info_hash is None


def test_a_refused_scrape_is_answered_as_a_scrape() -> None:
    with pytest.raises(BadRequestError) as refused:
        parse_request('{"action": "scrape"}')
    assert refused.value.failure.action == "scrape"


@pytest.mark.parametrize("depth", [10, 900, 100_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"offers":', "}")])
def test_deep_nesting_is_refused_whatever_its_depth(depth: int, left: str, right: str) -> None:
    frame = left * depth + "1" + right * depth
    for parse in (parse_request, parse_reply):
        with pytest.raises(TrackerMessageError):
            parse(frame)


def test_a_frame_over_the_limit_is_refused_unread() -> None:
    frame = json.dumps(announce_members(padding="x" * MAX_FRAME_BYTES))
    with pytest.raises(TrackerMessageError, match="over 1048576 bytes"):
        parse_request(frame)


def test_a_number_of_a_million_digits_is_refused() -> None:
    with pytest.raises(TrackerMessageError):
        parse_request('{"left":' + "9" * 1_000_000 + "}")


def test_a_scrape_may_name_one_info_hash_or_a_list() -> None:
    one = json.dumps({"action": "scrape", "info_hash": HASH_TEXT})
    two = json.dumps({"action": "scrape", "info_hash": [HASH_TEXT, OTHER_TEXT]})
    assert parse_request(one) == Scrape((HASH,))
    assert parse_request(two) == Scrape((HASH, InfoHash(OTHER.raw)))


@pytest.mark.parametrize("named", [[], [None], 3, [HASH_TEXT] * (MAX_SCRAPE_HASHES + 1)])
def test_a_scrape_of_nothing_or_of_too_much_is_refused(named: object) -> None:
    with pytest.raises(BadRequestError):
        parse_request(json.dumps({"action": "scrape", "info_hash": named}))


def test_our_own_messages_are_held_to_the_limits_too() -> None:
    big = Offer(OFFER_ID, "x" * (MAX_SDP_BYTES + 1))
    many = (Offer(OFFER_ID, ""),) * (MAX_OFFERS + 1)
    for announced in ((big,), many):
        with pytest.raises(TrackerMessageError):
            encode_request(Announce(info_hash=HASH, peer_id=PEER, offers=announced))
    with pytest.raises(TrackerMessageError):
        encode_request(Scrape((HASH,) * (MAX_SCRAPE_HASHES + 1)))


def test_an_offer_id_is_twenty_bytes() -> None:
    with pytest.raises(ValueError, match="20 bytes, not 3"):
        Offer(b"abc", "")


def test_a_failure_without_action_and_info_hash_is_read() -> None:
    # bittorrent-tracker answers so when it cannot parse a request
    assert parse_reply('{"failure reason": "invalid info_hash"}') == Failure(
        None, "invalid info_hash"
    )


def test_a_failure_is_one_short_printable_line() -> None:
    reason = "no\r\n\x1b[31m\u202eevil" + "x" * 1000
    reply = parse_reply(json.dumps({"failure reason": reason}))
    assert isinstance(reply, Failure)
    assert reply.reason.startswith("no   [31m evil")
    assert len(reply.reason) == 200


def test_a_warning_beside_a_response_stays_with_it() -> None:
    members = {"action": "announce", "info_hash": HASH_TEXT, "interval": 60}
    reply = parse_reply(json.dumps(members | {"warning message": "soon closing"}))
    assert reply == AnnounceResponse(info_hash=HASH, interval=60, warning="soon closing")


@pytest.mark.parametrize(
    ("members", "seconds"),
    [
        ({"interval": 0}, 1.0),
        ({"interval": 1 << 40}, LONGEST_INTERVAL),
        ({"interval": 120.7}, 120.0),
        ({"min interval": 15}, 15.0),
        ({"complete": 1}, DEFAULT_INTERVAL),
    ],
)
def test_an_interval_is_held_within_bounds(members: dict[str, Any], seconds: float) -> None:
    frame = json.dumps({"action": "announce", "info_hash": HASH_TEXT} | members)
    reply = parse_reply(frame)
    assert isinstance(reply, AnnounceResponse)
    assert reply.interval == seconds


def test_an_interval_is_sent_as_the_whole_number_that_libtorrent_insists_on() -> None:
    members = json.loads(encode_reply(AnnounceResponse(info_hash=HASH, interval=0.2)))
    assert members["interval"] == 1


@pytest.mark.parametrize(
    "members",
    [
        {"action": "announce", "info_hash": HASH_TEXT},
        {"action": "announce", "interval": 120},
        {"action": "announce", "info_hash": HASH_TEXT, "interval": "soon"},
        {"action": "announce", "info_hash": HASH_TEXT, "offer": {"sdp": ""}},
        {"action": "announce", "info_hash": HASH_TEXT, "offer": "v=0", "peer_id": PEER_TEXT},
        {"action": "error"},
        {"action": "scrape"},
        {"action": "scrape", "files": []},
        {"action": "scrape", "files": {HASH_TEXT: None}},
        {"action": "scrape", "files": {"short": {}}},
        {"action": "scrape", "files": {f"{n:020}": {} for n in range(MAX_SCRAPE_HASHES + 1)}},
        {"failure reason": 5},
    ],
)
def test_a_bad_reply_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(TrackerMessageError):
        parse_reply(json.dumps(members))


def test_session_descriptions_stay_out_of_the_values_repr() -> None:
    offer = RelayedOffer(info_hash=HASH, peer_id=PEER, offer_id=OFFER_ID, sdp="candidate 192.0.2.1")
    assert "192.0.2.1" not in repr(offer)
    assert "192.0.2.1" not in repr(Offer(OFFER_ID, "candidate 192.0.2.1"))


def test_a_budget_allows_a_burst_and_then_twenty_messages_a_second() -> None:
    budget = MessageBudget(now=0.0)
    assert all(budget.spend(100, 0.0) == 0 for _ in range(int(MESSAGE_BURST)))
    assert budget.spend(100, 0.0) == pytest.approx(1 / 20)
    assert budget.spend(100, 1.0) == 0


def test_a_budget_never_saves_up_more_than_one_burst() -> None:
    budget = MessageBudget(now=0.0)
    waits = [budget.spend(1, 10_000.0) for _ in range(int(MESSAGE_BURST) + 1)]
    assert waits[-2] == 0
    assert waits[-1] > 0


def test_a_large_message_counts_by_its_size() -> None:
    budget = MessageBudget(now=0.0)
    for _ in range(int(MESSAGE_BURST) // 32):
        assert budget.spend(MAX_FRAME_BYTES, 0.0) == 0
    assert budget.spend(MAX_FRAME_BYTES, 0.0) > 0
