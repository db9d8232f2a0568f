"""The network that the tests run in lets nothing out, and says what tried."""

from __future__ import annotations

import subprocess
import sys

import pytest

SEND = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ({!r}, 9))"
LOOK_UP = "import socket\ntry: socket.getaddrinfo('tracker.example.org', 80)\nexcept OSError: pass"


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tests/namespace.py", sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_a_packet_to_another_host_fails_the_run() -> None:
    done = run(SEND.format("192.0.2.1"))
    assert done.returncode == 1
    assert done.stderr == "left this machine: a packet of protocol 17 to 192.0.2.1 port 9\n"


def test_a_look_up_of_another_host_s_name_fails_the_run() -> None:
    done = run(LOOK_UP)
    assert done.returncode == 1
    assert done.stderr == "left this machine: a look-up of tracker.example.org\n"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.77.0.1", "224.0.0.251"])
def test_what_stays_here_is_let_be(address: str) -> None:
    assert run(SEND.format(address)).returncode == 0


def test_the_command_s_status_is_passed_on() -> None:
    assert run("raise SystemExit(7)").returncode == 7


def test_the_command_can_be_interrupted_though_its_starter_ignores_that() -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    command = [sys.executable, "tests/namespace.py", sys.executable, "-c", program]
    quiet = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command]
    done = subprocess.run(quiet, capture_output=True, text=True, check=False, timeout=30)
    assert "KeyboardInterrupt" in done.stderr
