"""The JSON that the front end's tests read, made by the models that the server encodes with.

`python -m tests.schema.fixtures` writes it anew after a model has changed.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from jupyter_webtorrent.protocol.media import KIND_OF_ENDING
from jupyter_webtorrent.schema.failures import ConnectionFailure, FailureCode
from jupyter_webtorrent.schema.transfers import (
    FilePriority,
    FileStatus,
    PeerStatus,
    PieceMap,
    TrackerStatus,
    TransferDetails,
    TransferEvent,
    TransferState,
    TransferStatus,
    WebSeedStatus,
)

FOLDER = Path(__file__).parents[2] / "labextension" / "tests" / "fixtures"


def _transfer(number: int, name: str, state: TransferState, **fields: object) -> TransferStatus:
    info_hash = f"{number:02x}" * 20
    known = {
        "info_hash": info_hash,
        "name": name,
        "state": state,
        "magnet": f"magnet:?xt=urn:btih:{info_hash}",
        "total": 0,
        "done": 0,
        "folder": "/home/jovyan",
    }
    return msgspec.convert({**known, **fields}, TransferStatus, strict=False)


TRANSFERS = [
    _transfer(1, "", TransferState.METADATA, notice="no peers yet: 1 tracker answered"),
    _transfer(2, "lectures", TransferState.CHECKING, total=9_000_000, done=4_500_000),
    _transfer(
        3,
        "penguins.csv",
        TransferState.DOWNLOADING,
        total=52_428_800,
        done=13_107_200,
        down_rate=1_310_720.5,
        up_rate=2_048.25,
        downloaded=13_200_000,
        uploaded=16_384,
        peers=3,
        by_transport={"tcp": 10_000_000, "webrtc": 3_200_000},
        peers_by_transport={"tcp": 2, "webrtc": 1},
        seconds=10.5,
    ),
    _transfer(
        4,
        "Übung 1",
        TransferState.SEEDING,
        total=2_097_152,
        done=2_097_152,
        up_rate=65_536.0,
        downloaded=2_097_152,
        uploaded=8_388_608,
        peers=1,
        by_transport={"webrtc": 2_097_152},
        seconds=1.75,
        paths=["/home/jovyan/Übung 1 (1)"],
        notice="Übung 1 was there already and differs: saved as Übung 1 (1)",
    ),
    _transfer(
        5,
        "<img src=x onerror=alert(1)>.csv",
        TransferState.FAILED,
        total=1_000_000,
        done=250_000,
        error="the disk is full",
    ),
    _transfer(
        6,
        "survey.csv",
        TransferState.PAUSED,
        total=3_145_728,
        done=3_145_728,
        downloaded=3_145_728,
        uploaded=6_291_456,
        seconds=2.5,
        paths=["/home/jovyan/survey.csv"],
        notice="seeded to a ratio of 2",
    ),
    _transfer(
        7,
        "archive",
        TransferState.ON_DEMAND,
        total=80_000_000,
        done=4_000_000,
        peers=2,
        on_demand=True,
    ),
]

EVENT = TransferEvent(
    transfers=TRANSFERS, removed=["ff" * 20], down_rate=1_310_720.5, up_rate=67_584.25
)

DETAILS = TransferDetails(
    transfer=TRANSFERS[2],
    files=[
        FileStatus(0, "penguins/README.md", 800, 800, True, FilePriority.HIGH),
        FileStatus(2, "penguins/<b>data</b>.csv", 52_428_000, 13_106_400, True),
        FileStatus(3, "penguins/old.zip", 9_000_000, 0, False, FilePriority.SKIP),
    ],
    peers=[
        PeerStatus("192.0.2.7:6881", "WebTorrent 3.0.21", "webrtc", 1.5e6, 0.0, 3_200_000, 0, 1.0),
        PeerStatus("[2001:db8::1]:6881", "", "tcp", 0.0, 0.0, 0, 0, 0.25, connected=False),
    ],
    trackers=[
        TrackerStatus("wss://tracker.example.org", "working", "", 3, 1),
        TrackerStatus("http://tracker.example.edu/announce", "failed", "connection refused"),
    ],
    web_seeds=[WebSeedStatus("https://example.edu/penguins/", "waiting")],
    failures=[
        ConnectionFailure(
            "192.0.2.9:6881", "tcp", FailureCode.REFUSED, "nothing listens there", 12.5, 3
        )
    ],
    pieces=PieceMap(200, 262_144, [100, 100, 0, 50]),
    up_limit=500_000,
)

FIXTURES = {
    "details.json": DETAILS,
    "event.json": EVENT,
    "media.json": {ending: kind.value for ending, kind in sorted(KIND_OF_ENDING.items())},
    "states.json": list(TransferState),
    "torrents.json": TRANSFERS,
}


def encode(value: object) -> bytes:
    """What a fixture's file holds: the JSON of the wire, laid out for a diff."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, value in FIXTURES.items():
        (FOLDER / name).write_bytes(encode(value))


if __name__ == "__main__":
    main()
