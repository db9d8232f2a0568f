"""The JSON that the front end's tests read, made by the models that the server encodes with.

`python -m tests.schema.fixtures` writes it anew after a model has changed.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from jupyter_webtorrent.schema.transfers import TransferEvent, TransferState, TransferStatus

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
]

EVENT = TransferEvent(
    transfers=TRANSFERS, removed=["ff" * 20], down_rate=1_310_720.5, up_rate=67_584.25
)

FIXTURES = {
    "event.json": EVENT,
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
