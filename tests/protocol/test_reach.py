from __future__ import annotations

import pytest

from jupyter_webtorrent.protocol.reach import Reach, may_name, reach_of


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("127.0.0.1", Reach.MACHINE),
        ("127.8.8.8", Reach.MACHINE),
        ("::1", Reach.MACHINE),
        ("::ffff:127.0.0.1", Reach.MACHINE),
        ("10.0.0.1", Reach.NETWORK),
        ("192.168.1.1", Reach.NETWORK),
        ("169.254.1.1", Reach.NETWORK),
        ("100.64.1.1", Reach.NETWORK),
        ("fe80::1", Reach.NETWORK),
        ("fe80::1%eth0", Reach.NETWORK),
        ("fec0::1", Reach.NETWORK),
        ("fd00::1", Reach.NETWORK),
        ("8.8.8.8", Reach.INTERNET),
        ("2606:4700::1", Reach.INTERNET),
        ("0.0.0.0", Reach.NOWHERE),
        ("255.255.255.255", Reach.NOWHERE),
        ("224.0.0.1", Reach.NOWHERE),
        ("240.0.0.1", Reach.NOWHERE),
        ("::", Reach.NOWHERE),
        ("ff02::1", Reach.NOWHERE),
        ("2002:7f00:1::", Reach.NOWHERE),
        ("64:ff9b::7f00:1", Reach.NOWHERE),
        ("school.example", Reach.NOWHERE),
        ("", Reach.NOWHERE),
    ],
)
def test_each_kind_of_address_has_its_reach(host: str, reach: Reach) -> None:
    assert reach_of(host) is reach


def test_nobody_names_an_address_that_is_nearer_to_us_than_he_is() -> None:
    hosts = ["127.0.0.1", "192.168.1.7", "8.8.8.8"]
    allowed = [(teller, host) for teller in hosts for host in hosts if may_name(teller, host)]
    assert allowed == [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "192.168.1.7"),
        ("127.0.0.1", "8.8.8.8"),
        ("192.168.1.7", "192.168.1.7"),
        ("192.168.1.7", "8.8.8.8"),
        ("8.8.8.8", "8.8.8.8"),
    ]


def test_what_reaches_nowhere_neither_names_nor_is_named() -> None:
    assert not may_name("127.0.0.1", "224.0.0.1")
    assert not may_name("224.0.0.1", "8.8.8.8")
    assert not may_name("name", "8.8.8.8")
