from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.urls import TRACKER_SCHEMES, WEB_SCHEMES, check_url, usable_urls


@pytest.mark.parametrize(
    "url",
    [
        "http://tracker/announce?passkey=a%20b",
        "https://tracker:443/",
        "udp://192.0.2.1:6969",
        "ws://[::1]:8000/announce",
        "WSS://Tracker.Example",
        "http://bücher.example/announce",
    ],
)
def test_an_absolute_url_of_a_tracker_passes_as_it_is(url: str) -> None:
    assert check_url(url, TRACKER_SCHEMES) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "must be http, https, udp, ws, wss, not 'file'"),
        ("javascript:alert(1)", "not 'javascript'"),
        ("tracker/announce", "not ''"),
        ("//tracker/announce", "not ''"),
        ("", "not ''"),
        ("ftp://tracker/", "not 'ftp'"),
        ("http:///announce", "names no host"),
        ("http:announce", "names no host"),
        ("udp://:6969", "names no host"),
        ("http://a..b/", "names no host"),
        (f"http://{'a' * 64}/", "names no host"),
        ("http://[::1/", "host or port of a URL cannot be read"),
        ("http://tracker:port/", "host or port of a URL cannot be read"),
        ("http://tracker:65536/", "host or port of a URL cannot be read"),
        ("http://tracker/a b", "a space or a character that cannot be printed"),
        ("http://tracker/\r\nX: y", "a space or a character that cannot be printed"),
        ("http://tracker/\u202e", "a space or a character that cannot be printed"),
        ("http://tracker/\ud800", "a space or a character that cannot be printed"),
    ],
)
def test_what_no_tracker_can_have_is_refused(url: str, reason: str) -> None:
    with pytest.raises(WebTorrentError, match=reason):
        check_url(url, TRACKER_SCHEMES)


def test_a_url_is_at_most_2_048_characters() -> None:
    longest = "http://t/".ljust(2048, "x")
    assert check_url(longest, WEB_SCHEMES) == longest
    with pytest.raises(WebTorrentError, match="2,049 characters is over 2,048"):
        check_url(longest + "x", WEB_SCHEMES)


def test_the_reason_does_not_repeat_what_may_be_secret() -> None:
    with pytest.raises(WebTorrentError) as caught:
        check_url("ftp://user:secret@tracker/secret", TRACKER_SCHEMES)
    assert "secret" not in str(caught.value)


def test_usable_urls_keep_their_order_and_come_once() -> None:
    urls = ["http://b/", "udp://x:1", "http://a/", "http://b/", "nonsense"]
    assert usable_urls(urls, WEB_SCHEMES) == ["http://b/", "http://a/"]


@given(st.text() | st.from_regex(r"\A(http|udp|ws)s?://[^/]*(:.*)?/.*\Z"))
def test_any_text_passes_as_it_is_or_gives_the_typed_error(text: str) -> None:
    try:
        assert check_url(text, TRACKER_SCHEMES) == text
    except WebTorrentError as error:
        reason = str(error)
        assert "\n" not in reason
