"""A port mapped at a gateway, kept and taken back, over NAT-PMP and UPnP on loopback."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from jupyter_webtorrent.net import nat_pmp, port_mapping, upnp
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.gateway import Gateway, default_gateway
from jupyter_webtorrent.net.nat_pmp import NatPmp
from jupyter_webtorrent.net.port_mapping import PortMapping, mapping_methods
from jupyter_webtorrent.net.upnp import Upnp
from jupyter_webtorrent.protocol.identity import PeerAddress
from tests.net.gateways import PUBLIC, NatPmpGateway, UpnpGateway

PORT = 6881


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not answer at once, will not."""
    monkeypatch.setattr(nat_pmp, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(upnp, "SEARCH_SECONDS", 0.2)


@asynccontextmanager
async def mapping_at(gateway: Gateway | None) -> AsyncIterator[PortMapping]:
    """Asked for, and answered."""
    random = Random(1)
    mapping = PortMapping(PORT, lambda: mapping_methods(gateway, random), random)
    mapping.start()
    try:
        async with asyncio.timeout(20):
            await mapping.known()
            yield mapping
    finally:
        await mapping.aclose()


def closed_port() -> int:
    """A UDP port of loopback that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def gateway_of(
    nat_pmp_gateway: NatPmpGateway | None = None, upnp_gateway: UpnpGateway | None = None
) -> Gateway:
    return Gateway(
        "127.0.0.1",
        nat_pmp_gateway.port if nat_pmp_gateway else closed_port(),
        ("127.0.0.1", upnp_gateway.ssdp_port if upnp_gateway else closed_port()),
    )


async def test_nat_pmp_maps_a_port_and_takes_it_back() -> None:
    async with NatPmpGateway().listen() as gateway:
        async with mapping_at(gateway_of(gateway)) as mapping:
            assert mapping.address == PeerAddress(PUBLIC, PORT)
            assert gateway.mapped == {PORT: PORT}
            assert mapping.message == f"{PUBLIC}:{PORT}, mapped by NAT-PMP"
        assert gateway.mapped == {}


async def test_a_lost_datagram_is_sent_again() -> None:
    async with NatPmpGateway().listen() as gateway:
        gateway.silent = 2
        async with mapping_at(gateway_of(gateway)) as mapping:
            assert mapping.address is not None


async def test_a_mapping_is_renewed_at_half_of_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_mapping, "SHORTEST_LEASE", 0.1)
    async with NatPmpGateway().listen() as gateway:
        gateway.lifetime = 1
        async with mapping_at(gateway_of(gateway)) as mapping:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            gateway.mapped.clear()
            while not gateway.mapped:
                gateway.asked.clear()
                await gateway.asked.wait()
            assert 0.4 <= loop.time() - begun <= 0.9
            assert mapping.address == PeerAddress(PUBLIC, PORT)


async def test_upnp_maps_a_port_where_nat_pmp_is_not_spoken() -> None:
    async with UpnpGateway().listen() as gateway:
        async with mapping_at(gateway_of(None, gateway)) as mapping:
            assert mapping.message == f"{PUBLIC}:{PORT}, mapped by UPnP"
            assert mapping.address == PeerAddress(PUBLIC, PORT)
            assert gateway.mapped == {PORT: ("127.0.0.1", PORT, 3600)}
        assert gateway.mapped == {}


async def test_a_port_that_another_machine_has_is_left_to_it() -> None:
    async with UpnpGateway().listen() as gateway:
        gateway.taken.add(PORT)
        async with mapping_at(gateway_of(None, gateway)) as mapping:
            assert mapping.address is not None
            assert mapping.address.port >= 49152
            assert [*gateway.mapped] == [mapping.address.port]
        assert gateway.mapped == {}


async def test_a_gateway_that_knows_only_permanent_mappings_gives_one() -> None:
    async with UpnpGateway().listen() as gateway:
        gateway.permanent_only = True
        async with mapping_at(gateway_of(None, gateway)):
            assert gateway.mapped == {PORT: ("127.0.0.1", PORT, 0)}
        assert gateway.mapped == {}


@pytest.mark.parametrize("address", ["192.168.1.2", "100.64.0.9", "127.0.0.1", "0.0.0.0"])
async def test_an_address_that_is_not_public_is_told_but_not_used(address: str) -> None:
    async with NatPmpGateway().listen() as gateway:
        gateway.address = address
        async with mapping_at(gateway_of(gateway)) as mapping:
            assert mapping.address is None
            assert address in mapping.message


async def test_each_refusal_is_named() -> None:
    async with NatPmpGateway().listen() as gateway:
        gateway.result = 2
        async with mapping_at(gateway_of(gateway)) as mapping:
            assert mapping.address is None
            assert mapping.message == (
                "NAT-PMP: the gateway refused: it is not allowed to map ports;"
                " UPnP: the gateway does not answer"
            )


async def test_without_a_gateway_there_is_a_reason() -> None:
    async with mapping_at(None) as mapping:
        assert mapping.message == "no gateway of this machine is known"


async def test_without_its_library_upnp_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jupyter_webtorrent.net.upnp", None)
    async with mapping_at(gateway_of()) as mapping:
        assert mapping.message.endswith("UPnP: it needs pip install 'jupyter-webtorrent[upnp]'")


async def test_closing_waits_no_longer_than_two_seconds_for_a_gateway_that_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with NatPmpGateway().listen() as gateway:
        async with mapping_at(gateway_of(gateway)):
            gateway.silent = 1000
            monkeypatch.setattr(nat_pmp, "FIRST_WAIT", 10.0)
            begun = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begun < 2.5


async def test_nat_pmp_believes_the_gateway_alone() -> None:
    """Another host of the network answers in its place, to the right port."""
    async with NatPmpGateway().listen() as gateway:
        gateway.silent = 1000
        method = NatPmp(gateway_of(gateway))
        asking = asyncio.create_task(method.map(PORT, 3600))
        await gateway.asked.wait()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", gateway.port))
            for port in open_udp_ports() - {gateway.port}:
                stranger.sendto(bytes.fromhex("00800000 00000001 0b16212c"), ("127.0.0.1", port))
        with pytest.raises(NetError, match="does not answer"):
            await asking
        assert all(request == b"\0\0" for request in gateway.requests)


def open_udp_ports() -> set[int]:
    """All local UDP ports of this namespace."""
    lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    return {int(line.split()[1].partition(":")[2], 16) for line in lines}


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.2:1/device.xml", "http://[::1/", "file:///etc/passwd"]
)
async def test_upnp_is_led_to_no_other_machine_by_its_location(elsewhere: str) -> None:
    async with UpnpGateway().listen() as gateway:
        gateway.location = elsewhere
        with pytest.raises(NetError, match="the gateway's answer cannot be used"):
            await Upnp(gateway_of(None, gateway), Random(1)).map(PORT, 3600)
        assert not gateway.requests


async def test_upnp_is_led_to_no_other_machine_by_its_description() -> None:
    async with UpnpGateway().listen() as gateway:
        gateway.control = "http://127.0.0.2:1/control"
        with pytest.raises(NetError, match="the gateway "):
            await Upnp(gateway_of(None, gateway), Random(1)).map(PORT, 3600)
        assert gateway.mapped == {}


def test_the_gateway_is_that_of_the_best_default_route(tmp_path: Path) -> None:
    routes = tmp_path / "route"
    head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    lines = [
        "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n",
        "eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
        "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n",
        "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
    ]
    routes.write_text(head + "".join(lines))
    found = default_gateway(routes)
    assert found is not None
    assert found.host == ("10.0.0.1" if sys.byteorder == "little" else "0.0.0.10")
    routes.write_text(head + lines[2] + lines[3])
    assert default_gateway(routes) is None
    assert default_gateway(tmp_path / "none") is None
