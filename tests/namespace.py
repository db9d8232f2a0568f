"""Run a command in a network of its own: `python tests/namespace.py COMMAND…`.

The namespace has a loopback, one more interface with an address and a default route, as WebRTC wants, and
multicast; nothing leads out of it. Whatever tries to leave all the same, a packet or a look-up of a name, is
written down, and makes the run fail. Needs Linux, and root or user namespaces.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from pyroute2 import IPRoute

INTERFACE = "wt0"
ADDRESS = "10.77.0.1"
INSIDE = "--inside"

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
PACKET_OUTGOING = 4
MAX_FINDINGS = 20

ALLOWED = (
    IPv4Network("224.0.0.0/24"),  # mDNS and IGMP: multicast that no router passes on
    IPv4Network("239.192.152.143/32"),  # local service discovery (BEP 14)
    IPv6Network("ff02::/16"),
    IPv6Network("ff15::efc0:988f/128"),  # the same (BEP 14)
)


def main(command: list[str]) -> int:
    if not command:
        print("usage: python tests/namespace.py COMMAND…", file=sys.stderr)
        return 2
    if command[0] == INSIDE:
        return run_inside(command[1:])
    flags = ["--net", "--mount"] if os.geteuid() == 0 else ["--net", "--mount", "--map-root-user"]
    probe = subprocess.run(["unshare", *flags, "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        print(
            "the tests need a network namespace, and this system makes none for this user: "
            f"{probe.stderr.strip()}; run them as root",
            file=sys.stderr,
        )
        return 1
    again = [sys.executable, os.path.abspath(__file__), INSIDE, *command]
    os.execvp("unshare", ["unshare", *flags, *again])
    return 1  # never: this process is the other program now


def run_inside(command: list[str]) -> int:
    """In the new namespace: set it up, run the command, and report what tried to leave."""
    bring_up()
    watch = Watch()
    with own_resolver(), watch.running():
        status = run(command)
    for finding in watch.findings:
        print(f"left this machine: {finding}", file=sys.stderr)
    return status or (1 if watch.findings else 0)


def bring_up() -> None:
    with IPRoute() as network:
        (loopback,) = network.link_lookup(ifname="lo")
        network.link("set", index=loopback, state="up")
        network.link("add", ifname=INTERFACE, kind="veth", peer={"ifname": "wt1"})
        for name in (INTERFACE, "wt1"):
            (index,) = network.link_lookup(ifname=name)
            network.link("set", index=index, state="up", arp=False)
        (index,) = network.link_lookup(ifname=INTERFACE)
        network.addr("add", index=index, address=ADDRESS, prefixlen=24)
        network.route("add", dst="0.0.0.0/0", oif=index)


@contextmanager
def own_resolver() -> Iterator[None]:
    """Let every name be asked of the watcher; the mount is this namespace's alone."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as resolver:
        resolver.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        resolver.flush()
        subprocess.run(["mount", "--bind", resolver.name, "/etc/resolv.conf"], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "/etc/resolv.conf"], check=True)


def run(command: list[str]) -> int:
    """Run it to its end, signals passed on; its status as a shell tells it."""
    children: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _: object) -> None:
        for child in children:
            child.send_signal(number)

    # Before it starts: a handler is not inherited, but a signal ignored by whoever started us would be.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    children.append(subprocess.Popen(command))
    status = children[0].wait()
    return status if status >= 0 else 128 - status


class Watch:
    """Sees each packet that would leave, and each name that is looked up."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self._local_names = {"localhost", socket.gethostname().lower()}

    @contextmanager
    def running(self) -> Iterator[None]:
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        packets.bind((INTERFACE, ETH_P_ALL))
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        names.bind(("127.0.0.1", 53))
        threads = [
            threading.Thread(target=self._watch_packets, args=(packets,), daemon=True),
            threading.Thread(target=self._answer_names, args=(names,), daemon=True),
        ]
        with packets, names:
            for watched, thread in zip((packets, names), threads, strict=True):
                watched.settimeout(0.2)
                thread.start()
            yield
        for thread in threads:
            thread.join()

    def _watch_packets(self, packets: socket.socket) -> None:
        for data, (_, kind, direction, *_rest) in _received(packets):
            if direction == PACKET_OUTGOING and (found := _destination(kind, data)) is not None:
                self._note(found)

    def _answer_names(self, names: socket.socket) -> None:
        for data, sender in _received(names):
            if len(data) < 17:
                continue
            name = _asked_name(data)
            # .invalid never exists (RFC 2606): a test may ask for it to see a look-up fail.
            if name not in self._local_names and not name.endswith((".arpa", ".invalid")):
                self._note(f"a look-up of {name}")
            flags = 0x8183  # a response: recursion available, no such name
            names.sendto(
                data[:2] + struct.pack(">H", flags) + data[4:6] + bytes(6) + data[12:], sender
            )

    def _note(self, finding: str) -> None:
        if finding not in self.findings and len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)


def _received(watched: socket.socket) -> Iterator[tuple[bytes, tuple[object, ...]]]:
    """What comes, until the socket is closed."""
    while watched.fileno() >= 0:
        try:
            yield watched.recvfrom(65536)
        except TimeoutError:
            continue
        except OSError:
            return


def _destination(kind: object, packet: bytes) -> str | None:
    """Where an outgoing packet goes, if that is not allowed."""
    target: IPv4Address | IPv6Address
    if kind == ETH_P_IP and len(packet) >= 20:
        target, protocol, body = IPv4Address(packet[16:20]), packet[9], (packet[0] & 15) * 4
    elif kind == ETH_P_IPV6 and len(packet) >= 40:
        target, protocol, body = IPv6Address(packet[24:40]), packet[6], 40
    else:
        return None
    if any(target in network for network in ALLOWED if network.version == target.version):
        return None
    has_ports = protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) and len(packet) >= body + 4
    port = struct.unpack_from(">H", packet, body + 2)[0] if has_ports else "-"
    return f"a packet of protocol {protocol} to {ip_address(target)} port {port}"


def _asked_name(query: bytes) -> str:
    labels, place = [], 12
    while place < len(query) and (length := query[place]):
        labels.append(query[place + 1 : place + 1 + length].decode("ascii", "replace"))
        place += 1 + length
    return ".".join(labels).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
