"""How others find and reach a session that listens: its address, the DHT, local discovery, a port at the gateway."""

from __future__ import annotations

import logging
import socket

from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.session_dht import SessionDht
from jupyter_webtorrent.net.datagrams import DatagramNetwork
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.gateway import default_gateway
from jupyter_webtorrent.net.lan import Found, LocalDiscovery
from jupyter_webtorrent.net.port_mapping import PortMapping, mapping_methods
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.reach import Reach, reach_of

log = logging.getLogger(__name__)


async def begin(
    services: Services, listening: PeerAddress, datagrams: DatagramNetwork | None, found: Found
) -> None:
    """Write down in `services` where we are reached, and begin what makes us known there.

    A session that listens on loopback alone asks nobody; `found` hears of peers on the local network. Without
    `datagrams` there is no DHT.
    """
    services.listening = listening
    services.reachable = reachable_address(listening)
    if reach_of(listening.host) is not Reach.MACHINE:
        await _begin_nearby(services, listening, found)
    if services.config.dht and datagrams is not None:
        services.dht = SessionDht(services.config, datagrams, services.offload, services.random)
        await services.dht.open(listening.port)


async def _begin_nearby(services: Services, listening: PeerAddress, found: Found) -> None:
    if services.config.lan_discovery:
        services.lan = await _local_discovery(services, listening, found)
    if services.config.port_mapping:
        random = services.random
        services.port_mapping = PortMapping(
            listening.port, lambda: mapping_methods(default_gateway(), random), random
        )
        services.port_mapping.start()


async def _local_discovery(
    services: Services, listening: PeerAddress, found: Found
) -> LocalDiscovery | None:
    lan = LocalDiscovery(listening.port, services.random, found)
    try:
        await lan.start()
    except NetError as error:
        log.info("%s", error)
        return None
    return lan


def reachable_address(listening: PeerAddress) -> PeerAddress | None:
    """Where others reach us directly, as far as this machine can know; nothing is sent to find out."""
    if listening.host not in ("0.0.0.0", "::"):
        return listening
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737): only a route is looked up
        except OSError:
            return None
        return PeerAddress(probe.getsockname()[0], listening.port)
