"""A stranger's session description is read strictly, and never further than needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.net.webrtc_sdp import (
    DEFAULT_MESSAGE_BYTES,
    MAX_MDNS_CANDIDATES,
    SCTP_PORT,
    DataDescription,
    Fingerprint,
    IceCandidate,
)
from jupyter_webtorrent.protocol.errors import ProtocolError

DIGEST = ":".join(["AB"] * 32)
OURS = DataDescription(
    ufrag="abcd",
    pwd="p" * 22,
    fingerprints=(Fingerprint("sha-256", DIGEST),),
    setup="actpass",
    candidates=(
        IceCandidate("1", 2130706431, "192.0.2.7", 40000, "host"),
        IceCandidate("2", 2130706175, "2001:db8::7", 40001, "host"),
        IceCandidate("3", 1694498815, "198.51.100.7", 40002, "srflx"),
        IceCandidate("4", 2130706431, "0a1b2c3d-name.local", 40003, "host"),
    ),
)
# As Chromium writes it, but for the values.
BROWSER = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:3867 1 udp 2113937151 0a1b2c3d-0a1b.local 40000 typ host generation 0 network-cost 999
a=candidate:3868 1 tcp 1518280447 0a1b2c3d-0a1b.local 9 typ host tcptype active generation 0
a=ice-ufrag:ab+/
a=ice-pwd:{"p" * 24}
a=ice-options:trickle
a=fingerprint:sha-256 {DIGEST}
a=setup:actpass
a=mid:data
a=sctp-port:5001
a=max-message-size:262144
"""


def candidates(*lines: str, loopback: bool = False) -> list[str]:
    sdp = str(OURS) + "".join(f"a=candidate:{line}\r\n" for line in lines)
    read = DataDescription.parse(sdp, "offer", loopback_candidates=loopback)
    return [candidate.host for candidate in read.candidates[len(OURS.candidates) :]]


def test_what_we_write_we_read() -> None:
    assert DataDescription.parse(str(OURS), "offer") == OURS


def test_a_browser_s_offer_is_read() -> None:
    for sdp in (BROWSER, BROWSER.replace("\n", "\r\n")):
        read = DataDescription.parse(sdp, "offer")
        assert (read.ufrag, read.mid, read.sctp_port) == ("ab+/", "data", 5001)
        assert [candidate.host for candidate in read.candidates] == ["0a1b2c3d-0a1b.local"]
        assert read.max_message_bytes == 262144


def test_what_may_be_left_out_has_the_standard_s_value() -> None:
    kept = [line for line in str(OURS).splitlines() if "sctp-port" not in line]
    kept = [line for line in kept if "max-message-size" not in line and "mid:" not in line]
    read = DataDescription.parse("\r\n".join(kept), "offer")
    assert (read.sctp_port, read.max_message_bytes) == (SCTP_PORT, DEFAULT_MESSAGE_BYTES)
    assert read.mid is None
    assert "BUNDLE" not in str(read)


@pytest.mark.parametrize(
    "line",
    [
        "1 2 udp 1 192.0.2.9 9 typ host",
        "1 1 tcp 1 192.0.2.9 9 typ host tcptype active",
        "1 1 udp 1 127.0.0.1 9 typ host",
        "1 1 udp 1 ::1 9 typ host",
        "1 1 udp 1 ::ffff:127.0.0.1 9 typ host",
        "1 1 udp 1 fe80::1 9 typ host",
        "1 1 udp 1 224.0.0.251 5353 typ host",
        "1 1 udp 1 255.255.255.255 9 typ host",
        "1 1 udp 1 0.0.0.0 9 typ host",
        "1 1 udp 1 240.0.0.1 9 typ host",
        "1 1 udp 1 ::127.0.0.1 9 typ host",
        "1 1 udp 1 2002:7f00:1::1 9 typ host",
        "1 1 udp 1 ff02::fb 5353 typ host",
        "1 1 udp 1 example.org 9 typ host",
        "1 1 udp 1 a.b.local 9 typ host",
        "1 1 udp 1 192.0.2.9 0 typ host",
        "1 1 udp 1 192.0.2.9 65536 typ host",
        "1 1 udp 99999999999 192.0.2.9 9 typ host",
        "1 1 udp 1 192.0.2.9 9 typ prflx",
        "1 1 udp 1 192.0.2.9",
        "",
    ],
)
def test_a_candidate_that_leads_nowhere_is_left_out(line: str) -> None:
    assert candidates(line, "1 1 UDP 1 192.0.2.8 9 typ host") == ["192.0.2.8"]


def test_loopback_is_an_address_where_the_setting_allows_it() -> None:
    assert candidates("1 1 udp 1 127.0.0.1 9 typ host", loopback=True) == ["127.0.0.1"]


def test_only_a_few_names_are_looked_up() -> None:
    names = [f"1 1 udp 1 name-{number}.local 9 typ host" for number in range(10)]
    assert len(candidates(*names)) == MAX_MDNS_CANDIDATES - 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a=setup:actpass", "a=setup:both"),
        (f"sha-256 {DIGEST}", f"sha-256 {DIGEST[:-3]}"),
        ("sha-256", "md5"),
        ("a=ice-pwd:" + "p" * 22, "a=ice-pwd:" + "p" * 21),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:a bcd"),
        ("a=sctp-port:5000", "a=sctp-port:0"),
        ("a=max-message-size:262144", "a=max-message-size:12"),
        ("a=max-message-size:262144", "a=max-message-size:" + "9" * 5000),
        ("a=mid:0", "a=mid:" + "0" * 65),
        ("m=application", "m=audio"),
    ],
)
def test_a_value_that_cannot_be_is_refused(old: str, new: str) -> None:
    sdp = str(OURS)
    assert old in sdp
    with pytest.raises(ProtocolError):
        DataDescription.parse(sdp.replace(old, new), "offer")


def test_an_answer_must_say_who_begins() -> None:
    with pytest.raises(ProtocolError, match="setup"):
        DataDescription.parse(str(OURS), "answer")


@given(st.lists(st.sampled_from(BROWSER.splitlines()) | st.text(max_size=40), max_size=40))
def test_any_text_is_read_or_refused(lines: list[str]) -> None:
    sdp = "\r\n".join(lines)
    try:
        read = DataDescription.parse(sdp, "offer")
    except ProtocolError:
        return
    assert DataDescription.parse(str(read), "offer") == read
