"""The gateway of this machine's network, where it can be known, and what every way to ask it for a port has."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_webtorrent.protocol import nat_pmp

ROUTES = Path("/proc/net/route")
_RTF_GATEWAY = 0x2
_DEFAULT = "00000000"


@dataclass(frozen=True, slots=True)
class Gateway:
    """Its address, and where it is asked: NAT-PMP's port, and the group that its UPnP listens on."""

    host: str
    nat_pmp_port: int = nat_pmp.PORT
    ssdp: tuple[str, int] = ("239.255.255.250", 1900)


@dataclass(frozen=True, slots=True)
class Mapped:
    """The gateway's word: `host`, unchecked, and `port` lead to this machine for `lifetime` seconds."""

    host: str
    port: int
    lifetime: float


class MappingMethod(Protocol):
    """A way to ask a gateway for a port. One object keeps at most one mapping."""

    name: str

    async def map(self, port: int, lifetime: int) -> Mapped:
        """Map a TCP port of this machine, or renew that; raises NetError."""
        ...

    async def unmap(self) -> None:
        """Take back what may have been mapped; raises NetError."""
        ...


def default_gateway(routes: Path = ROUTES) -> Gateway | None:
    """The IPv4 gateway of the best default route; None where there is none, or it cannot be known.

    Read from Linux's table of routes; other systems have none that can be read without another program.
    """
    try:
        lines = routes.read_text("ascii").splitlines()[1:]
    except (OSError, UnicodeError):
        return None
    hosts: dict[str, int] = {}
    for line in lines:
        fields = line.split()
        if len(fields) < 8 or not fields[1] == fields[7] == _DEFAULT:
            continue
        gateway, flags, metric = int(fields[2], 16), int(fields[3], 16), int(fields[6])
        if flags & _RTF_GATEWAY:
            hosts[socket.inet_ntoa(struct.pack("=I", gateway))] = metric
    return Gateway(min(hosts, key=lambda host: hosts[host])) if hosts else None


def own_address_to(gateway: Gateway) -> str:
    """This machine's address on the gateway's network. Raises OSError; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((gateway.host, gateway.nat_pmp_port))
        return str(probe.getsockname()[0])
