"""What the command line says: to people, or as JSON lines to programs.

stdout carries the result only (a link, paths, or the events), stderr the progress and the errors.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn, Protocol

import msgspec
from tqdm import tqdm

from jupyter_webtorrent.protocol.printable import one_line, printable
from jupyter_webtorrent.schema.failures import ConnectionFailure
from jupyter_webtorrent.schema.transfers import TransferState, TransferStatus

MAX_FAILURE_LINES = 5


class Output(Protocol):
    def listening(self, tcp: str | None) -> None: ...

    def port_mapping(self, message: str) -> None: ...

    def magnet(self, magnet: str) -> None: ...

    def progress(self, transfer: TransferStatus) -> None: ...

    def complete(self, transfer: TransferStatus) -> None: ...

    def tracker_urls(self, urls: list[str]) -> None: ...

    def facts(self, facts: Mapping[str, object]) -> None:
        """What `info` and `create` found."""

    def failures(self, failures: Sequence[ConnectionFailure]) -> None:
        """Which connections came to nothing, and why."""

    def error(self, message: str) -> None: ...

    def close(self) -> None: ...


class JsonOutput:
    """One object a line, each with `event`; sizes in bytes, rates in bytes per second."""

    def listening(self, tcp: str | None) -> None:
        self._emit("listening", tcp=tcp)

    def port_mapping(self, message: str) -> None:
        self._emit("port_mapping", message=message)

    def magnet(self, magnet: str) -> None:
        self._emit("magnet", magnet=magnet)

    def progress(self, transfer: TransferStatus) -> None:
        self._emit(
            "progress",
            done=transfer.done,
            total=transfer.total,
            down_rate=round(transfer.down_rate),
            up_rate=round(transfer.up_rate),
            peers=transfer.peers,
            state=transfer.state.value,
            notice=transfer.notice,
        )

    def complete(self, transfer: TransferStatus) -> None:
        by_transport = {"tcp": 0, "webrtc": 0, "webseed": 0, **transfer.by_transport}
        self._emit(
            "complete",
            paths=transfer.paths,
            bytes=transfer.total,
            seconds=round(transfer.seconds, 3),
            by_transport=by_transport,
            notice=transfer.notice,
        )

    def tracker_urls(self, urls: list[str]) -> None:
        self._emit("tracker", urls=urls)

    def facts(self, facts: Mapping[str, object]) -> None:
        self._emit("info", **facts)

    def failures(self, failures: Sequence[ConnectionFailure]) -> None:
        self._emit("failures", failures=msgspec.to_builtins(failures))

    def error(self, message: str) -> None:
        self._emit("error", message=message)

    def close(self) -> None:
        pass

    def _emit(self, event: str, **fields: object) -> None:
        print(json.dumps({"event": event, **fields}), flush=True)


class TextOutput:
    """Plain lines, and a progress bar where stderr is a terminal.

    What strangers wrote is printed without anything that a terminal would obey.
    """

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._bar_name = ""
        self._last_notice = ""

    def listening(self, tcp: str | None) -> None:
        if tcp is not None:
            print(f"listening on {tcp}", file=sys.stderr)

    def port_mapping(self, message: str) -> None:
        if message:
            print(f"port mapping: {one_line(message)}", file=sys.stderr)

    def magnet(self, magnet: str) -> None:
        print(magnet, flush=True)

    def progress(self, transfer: TransferStatus) -> None:
        bar = self._open_bar(transfer)
        if transfer.state is TransferState.SEEDING:
            bar.n = transfer.uploaded
        else:
            bar.total = transfer.total or None
            bar.n = transfer.done
        peers = "1 peer" if transfer.peers == 1 else f"{transfer.peers} peers"
        bar.set_postfix_str(f"{transfer.state.value}, {peers}")
        self._say_notice(transfer.notice)

    def complete(self, transfer: TransferStatus) -> None:
        if self._bar is not None:
            self._bar.n = self._bar.total = transfer.total
        self.close()
        self._say_notice(transfer.notice)
        for path in transfer.paths:
            # As it is, for programs: strangers' part of it is a safe name on this disk.
            print(path, flush=True)

    def tracker_urls(self, urls: list[str]) -> None:
        for url in urls:
            print(url, flush=True)

    def facts(self, facts: Mapping[str, object]) -> None:
        for name, value in facts.items():
            lines = value if isinstance(value, list) else [value]
            for line in lines:
                print(f"{name}: {printable(str(line))}")

    def failures(self, failures: Sequence[ConnectionFailure]) -> None:
        self.close()
        for each in failures[:MAX_FAILURE_LINES]:
            times = f", {each.count} times" if each.count > 1 else ""
            line = f"{each.address} ({each.transport}{times}): {each.reason}"
            print(one_line(line), file=sys.stderr)
        if len(failures) > MAX_FAILURE_LINES:
            print(f"and {len(failures) - MAX_FAILURE_LINES} more like these", file=sys.stderr)

    def error(self, message: str) -> None:
        self.close()
        print(f"jupyter webtorrent: {one_line(message)}", file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _open_bar(self, transfer: TransferStatus) -> tqdm[NoReturn]:
        seeding = transfer.state is TransferState.SEEDING
        name = printable(transfer.name)
        if seeding:
            name += " (sent)"
        if self._bar is None or self._bar_name != name:
            self.close()
            self._bar_name = name
            self._bar = tqdm(
                total=None if seeding else transfer.total or None,
                desc=name,
                unit="B",
                unit_scale=True,
                disable=None,  # silent where stderr is not a terminal
                file=sys.stderr,
            )
        return self._bar

    def _say_notice(self, notice: str) -> None:
        if notice and notice != self._last_notice:
            tqdm.write(one_line(notice), file=sys.stderr)
        self._last_notice = notice
