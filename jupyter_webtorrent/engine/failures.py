"""Why connections of one torrent came to nothing: the latest of each kind, with what a person can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jupyter_webtorrent.net.errors import ConnectError
from jupyter_webtorrent.protocol.errors import ProtocolError, WebTorrentError
from jupyter_webtorrent.protocol.printable import one_line
from jupyter_webtorrent.schema.failures import ConnectionFailure, FailureCode

MAX_FAILURES: Final = 50
"""Distinct ones that are remembered, the newest."""

ADVICE: Final = {
    FailureCode.NO_NETWORK: "connect it to a network",
    FailureCode.NO_ANSWER: "the other side may have gone, or not speak WebRTC",
    FailureCode.BAD_DESCRIPTION: "the other program is at fault",
    FailureCode.NO_ROUTE: "a firewall blocks UDP, or a TURN server is needed (--turn)",
    FailureCode.TURN_FAILED: "check the TURN server's address, user and password (--turn)",
    FailureCode.DTLS_FAILED: "something on the way may change what is sent: try another network",
    FailureCode.WRONG_CERTIFICATE: "do not trust this tracker: use another one",
    FailureCode.NO_CHANNEL: "the other program may have refused us, or share something else",
    FailureCode.NO_SUCH_HOST: "check its name",
    FailureCode.REFUSED: "is the program that shares still running there?",
    FailureCode.UNREACHABLE: "is that machine on this network?",
    FailureCode.TIMED_OUT: "a firewall may be in the way, or that machine is off",
    FailureCode.NO_HANDSHAKE: "it may no longer share this",
    FailureCode.WRONG_TORRENT: "ask for a new link",
    FailureCode.NO_ROOM: "there are as many peers as the settings allow",
}
"""By code; what is not here speaks for itself."""


@dataclass(slots=True)
class _Failure:
    message: str
    at: float
    count: int = 0


class FailureLog:
    """A torrent's failures, one entry for each address, transport and code. Time is an argument."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str, FailureCode], _Failure] = {}

    def add(
        self, address: str, transport: str, code: FailureCode, message: str, now: float
    ) -> None:
        """An attempt ended so; `message` is what happened, without advice."""
        failure = self._failures.pop((address, transport, code), None) or _Failure(message, now)
        failure.message, failure.at = message, now
        failure.count += 1
        self._failures[address, transport, code] = failure
        if len(self._failures) > MAX_FAILURES:
            del self._failures[next(iter(self._failures))]

    def add_error(self, address: str, transport: str, error: WebTorrentError, now: float) -> None:
        """The same, as the layer below told it."""
        self.add(address, transport, _code(error), str(error), now)

    def connected(self, address: str) -> None:
        """There is a connection now: what failed there before is of no interest any more."""
        for key in [key for key in self._failures if key[0] == address]:
            del self._failures[key]

    def listed(self, now: float) -> list[ConnectionFailure]:
        """The newest first, but those that say least last."""
        failures = [
            ConnectionFailure(
                address=address,
                transport=transport,
                code=code,
                reason=_reason(code, failure.message),
                seconds_ago=max(0.0, now - failure.at),
                count=failure.count,
            )
            for (address, transport, code), failure in self._failures.items()
        ]
        return sorted(
            failures, key=lambda each: (each.code is FailureCode.NO_ANSWER, each.seconds_ago)
        )


def _code(error: WebTorrentError) -> FailureCode:
    if isinstance(error, ConnectError):
        return error.code
    return FailureCode.BAD_DESCRIPTION if isinstance(error, ProtocolError) else FailureCode.OTHER


def _reason(code: FailureCode, message: str) -> str:
    advice = ADVICE.get(code)
    return one_line(f"{message} - {advice}" if advice else message)
