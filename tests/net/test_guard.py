"""The guard: which spellings and addresses each policy lets through."""

from __future__ import annotations

import pytest

from jupyter_webtorrent.net.guard import (
    GuardError,
    Policy,
    check_address,
    check_host,
    checked_url,
    resolve_checked,
    tracker_policy,
)
from jupyter_webtorrent.protocol.urls import WEB_SCHEMES

PUBLIC = ("8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808")
LOCAL = ("127.0.0.1", "127.255.0.3", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd00::1")
SPECIAL = (
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.2.1", "198.51.100.7"),
    *("203.0.113.9", "198.18.0.1", "192.0.0.8", "192.88.99.1"),
    *("fe80::1", "fec0::1", "2001:db8::1", "3fff::1", "2002:7f00:1::", "2001:0:7f00:1::"),
)
NOWHERE = (
    *("0.0.0.0", "0.1.2.3", "224.0.0.251", "240.0.0.1", "255.255.255.255"),
    *("::", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "ff02::1"),
    *("64:ff9b:1::7f00:1", "5f00::1", "4000::1"),
)
POLICIES = {
    Policy.PUBLIC: PUBLIC,
    Policy.LOCAL: PUBLIC + LOCAL,
    Policy.NAMED: PUBLIC + LOCAL + SPECIAL,
}


@pytest.mark.parametrize("policy", POLICIES)
def test_each_policy_allows_its_addresses_and_no_others(policy: Policy) -> None:
    for address in PUBLIC + LOCAL + SPECIAL + NOWHERE:
        if address in POLICIES[policy]:
            check_address(address, policy)
        else:
            with pytest.raises(GuardError, match="which this URL may not lead to"):
                check_address(address, policy)


def test_an_address_inside_nat64_counts_as_the_one_it_leads_to() -> None:
    with pytest.raises(GuardError, match="a loopback"):
        check_address("64:ff9b::7f00:1", Policy.PUBLIC)


@pytest.mark.parametrize(
    "host",
    [
        *("127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.01"),
        *("127.0.0.1.", "0", "0x", "1.2.3.4.5", "example.0x7f", "999.1.1.1", "a..b", "", "."),
        *("%31%32%37.0.0.1", "a b", "-a.example", "a" * 64, "[::1]", "::1%lo", "fe80::1%25eth0"),
        *("1:2", "\uff11\uff12\uff17.0.0.1", "b\u00fccher.example", "x." * 127 + "example"),
    ],
)
def test_a_host_that_is_no_plain_name_or_address_is_refused(host: str) -> None:
    with pytest.raises(GuardError):
        check_host(host)


@pytest.mark.parametrize("host", ["example.com", "EXAMPLE.com.", "a_b.x", "localhost", "0x.com"])
def test_a_plain_name_is_looked_up(host: str) -> None:
    assert check_host(host) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://127\u30020\u30020\u30021/",
        "http://user@8.8.8.8/",
        "http://user:password@8.8.8.8/",
        "http://8.8.8.8:22/",
        "http://8.8.8.8:0/",
        "http://8.8.8.8:99999/",
        "http://8.8.8.8\\@127.0.0.1/",
        "http://[::1]/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://%31%32%37.0.0.1/",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "http:///x",
        "//8.8.8.8/",
        "http://8.8.8.8/a b",
    ],
)
def test_a_url_of_a_stranger_is_refused_for_what_it_hides(url: str) -> None:
    with pytest.raises(GuardError):
        checked_url(url, Policy.PUBLIC, WEB_SCHEMES)


def test_an_honest_url_stays_as_it_was_written() -> None:
    for url in ("http://8.8.8.8/a%20b%2Fc", "https://example.com:8443/x?y=%41"):
        assert str(checked_url(url, Policy.PUBLIC, WEB_SCHEMES)) == url


async def test_one_forbidden_address_among_several_spoils_a_name() -> None:
    async def resolve(host: str) -> list[str]:
        return ["8.8.8.8", "127.0.0.1"]

    with pytest.raises(GuardError, match=r"127\.0\.0\.1 is a loopback address"):
        await resolve_checked("rebinding.example", Policy.PUBLIC, resolve)
    found = await resolve_checked("rebinding.example", Policy.LOCAL, resolve)
    assert list(map(str, found)) == ["8.8.8.8", "127.0.0.1"]


async def test_an_address_is_checked_without_a_look_up() -> None:
    async def resolve(host: str) -> list[str]:
        raise AssertionError("not to be asked")

    assert [str(a) for a in await resolve_checked("8.8.4.4", Policy.PUBLIC, resolve)] == ["8.8.4.4"]


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ("ws://192.168.1.5:8000/announce", Policy.LOCAL),
        ("http://192.168.1.5:8000/announce.php", Policy.LOCAL),
        ("udp://192.168.1.5:6969", Policy.LOCAL),
        ("http://192.168.1.1/reboot", Policy.PUBLIC),
        ("http://192.168.1.1/announce?reboot=1", Policy.PUBLIC),
        ("ws://192.168.1.5:8000/", Policy.PUBLIC),
    ],
)
def test_a_strangers_tracker_may_be_local_where_it_can_only_be_announced_to(
    url: str, policy: Policy
) -> None:
    assert tracker_policy(url) is policy
