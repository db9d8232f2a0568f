"""PATCH and the .torrent file: what is there is changed, and given on."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_webtorrent.protocol.metainfo import MAX_TORRENT_BYTES, Metainfo
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FilePriority,
    ShareRequest,
    TransferDetails,
    TransferState,
    TransferStatus,
)
from jupyter_webtorrent.server.extension import WebTorrentApp
from jupyter_webtorrent.storage.create import create_info
from tests.server.answers import API, Fetch, refusal

UNKNOWN = "ab" * 20


@pytest.fixture
async def shared(post: Fetch, jp_root_dir: Path) -> str:
    """The info hash of a folder with two files and a quotation mark in its name."""
    folder = jp_root_dir / 'week "1"'
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(name * 1000)
    answer = await post("share", paths=[folder.name])
    return msgspec.json.decode(answer.body, type=TransferStatus).info_hash


@pytest.fixture
def patch(jp_fetch: Fetch, shared: str) -> Callable[..., Any]:
    async def patch(info_hash: str = shared, **fields: Any) -> TransferDetails:
        answer = await jp_fetch(API, "torrents", info_hash, method="PATCH", body=json.dumps(fields))
        return msgspec.json.decode(answer.body, type=TransferDetails)

    return patch


async def test_limits_change_and_what_is_left_out_stays(
    patch: Callable[..., Any], shared: str
) -> None:
    details = await patch(shared.upper(), down_limit=1000, up_limit=2000)
    assert (details.down_limit, details.up_limit) == (1000, 2000)
    details = await patch(down_limit=None)
    assert (details.down_limit, details.up_limit) == (None, 2000)
    assert (await patch()).up_limit == 2000


async def test_files_of_a_fetch_get_priorities(
    patch: Callable[..., Any], post: Fetch, jp_root_dir: Path, tmp_path: Path
) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        (tmp_path / "elsewhere" / name).write_text(name * 1000)
    info = create_info([tmp_path / "elsewhere"]).info
    (jp_root_dir / "x.torrent").write_bytes(Metainfo(info, ()).to_bytes())
    answer = await post("fetch", link="x.torrent", peers=["127.0.0.1:9"])
    fetched = msgspec.json.decode(answer.body, type=TransferStatus)
    while (details := await patch(fetched.info_hash)).transfer.state is not (
        TransferState.DOWNLOADING
    ):
        pass
    assert len(details.files) == 3
    details = await patch(fetched.info_hash, priorities={"0": "skip", "2": "high"}, up_limit=9)
    assert [file.priority for file in details.files] == [
        FilePriority.SKIP,
        FilePriority.NORMAL,
        FilePriority.HIGH,
    ]
    assert details.up_limit == 9


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"down_limit": 0}, "Expected `int` >= 1 - at `$.down_limit`"),
        ({"up_limit": 2**60}, "Expected `int` <= 9007199254740991"),
        ({"priorities": {"7": "high"}}, "file"),
        ({"priorities": {"0": "urgent"}}, "Invalid enum value 'urgent'"),
        ({"priorities": {"a": "high"}}, "Expected `int`, got `str`"),
        ({"limit": 1}, "unknown field `limit`"),
    ],
)
async def test_a_change_that_makes_no_sense_changes_nothing(
    patch: Callable[..., Any], fields: dict[str, Any], line: str
) -> None:
    before = await patch(up_limit=5)
    code, message = await refusal(patch(**{"up_limit": 6, **fields}))
    assert code in (400, 409)
    assert line in message
    after = await patch()
    assert (after.up_limit, after.files) == (5, before.files)


async def test_what_is_not_there_is_not_changed(patch: Callable[..., Any]) -> None:
    assert (await refusal(patch(UNKNOWN, up_limit=5)))[0] == 404


async def test_the_torrent_file_is_saved_under_a_safe_name(
    jp_fetch: Fetch, post: Fetch, shared: str
) -> None:
    answer = await jp_fetch(API, "torrents", shared.upper(), "metainfo")
    assert str(Metainfo.from_bytes(answer.body).info.info_hash) == shared
    assert answer.headers["Content-Type"] == "application/x-bittorrent"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"week _1_.torrent\"; filename*=UTF-8''week%20_1_.torrent"
    )
    assert (await refusal(jp_fetch(API, "torrents", UNKNOWN, "metainfo")))[0] == 404
    await post("fetch", link=UNKNOWN, peers=["127.0.0.1:9"])
    assert (await refusal(jp_fetch(API, "torrents", UNKNOWN, "metainfo")))[0] == 409


async def test_a_torrent_file_is_fetched_by_its_content(
    jp_fetch: Fetch, post: Fetch, shared: str, jp_root_dir: Path
) -> None:
    content = (await jp_fetch(API, "torrents", shared, "metainfo")).body
    await jp_fetch(API, "torrents", shared, method="DELETE")
    metainfo = base64.b64encode(content).decode()
    answer = await post("fetch", metainfo=metainfo, on_demand=True, peers=["127.0.0.1:9"])
    assert msgspec.json.decode(answer.body, type=TransferStatus).info_hash == shared
    assert os.listdir(jp_root_dir) == ['week "1"']


class _Recorder:
    """An engine that takes every request and begins nothing."""

    def __init__(self) -> None:
        self.requests: list[FetchRequest | ShareRequest] = []

    def take(self, request: FetchRequest | ShareRequest) -> Future[None]:
        self.requests.append(request)
        done: Future[None] = Future()
        done.set_result(None)
        return done


@pytest.fixture
async def engine(extension: WebTorrentApp, monkeypatch: pytest.MonkeyPatch) -> _Recorder:
    recorder = _Recorder()
    for name in ("share", "fetch"):
        monkeypatch.setattr(extension.host, name, recorder.take)
    return recorder


async def test_a_fetch_asks_for_all_that_its_request_says(
    post: Fetch, engine: _Recorder, jp_root_dir: Path
) -> None:
    asked: dict[str, Any] = {
        "metainfo": base64.b64encode(b"d4:infode").decode(),
        "trackers": ["wss://tracker.example"],
        "peers": ["127.0.0.1:9"],
        "select": ["*.csv"],
        "files": [0, 2],
        "seed_ratio": 1.5,
        "seed_seconds": 60.0,
        "web_seeds": ["https://data.example/"],
        "sequential": True,
    }
    await post("fetch", folder="data", on_demand=True, **asked)
    (request,) = engine.requests
    assert isinstance(request, FetchRequest)
    assert (request.link, request.metainfo, request.on_demand) == ("", b"d4:infode", True)
    assert request.folder == str(jp_root_dir / "data")
    for name in asked.keys() - {"metainfo"}:
        assert getattr(request, name) == asked[name]


async def test_what_is_read_on_demand_makes_no_folder(
    post: Fetch, engine: _Recorder, extension: WebTorrentApp, deny: Callable[..., None]
) -> None:
    deny(("write", "contents"))
    extension.download_folder = "downloads"
    await post("fetch", link=UNKNOWN, on_demand=True)
    (request,) = engine.requests
    assert isinstance(request, FetchRequest)
    assert (request.folder, request.on_demand) == ("", True)
    assert (await refusal(post("fetch", link=UNKNOWN, on_demand=True, folder="new")))[0] == 403


async def test_a_share_copies_its_notebooks_and_names_its_web_seeds(
    post: Fetch, engine: _Recorder, dataset: Path
) -> None:
    await post("share", paths=[dataset.name], web_seeds=["https://data.example/"])
    (request,) = engine.requests
    assert isinstance(request, ShareRequest)
    assert request.copy_notebooks
    assert request.web_seeds == ["https://data.example/"]


async def test_a_torrent_file_of_the_largest_size_passes_and_a_larger_one_does_not(
    post: Fetch, engine: _Recorder
) -> None:
    largest = base64.b64encode(bytes(MAX_TORRENT_BYTES)).decode()
    await post("fetch", metainfo=largest)
    assert len(engine.requests) == 1
    larger = base64.b64encode(bytes(MAX_TORRENT_BYTES + 1)).decode()
    code, message = await refusal(post("fetch", metainfo=larger))
    assert (code, message) == (
        413,
        "A .torrent file may have 10,000,000 bytes, not 10,000,001.",
    )
    code, _ = await refusal(post("fetch", metainfo=largest, peers=["x" * (3 << 20)]))
    assert code == 413


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"link": UNKNOWN, "metainfo": "ZGU="}, "by a link or by a .torrent file's content"),
        ({"metainfo": "?"}, "Invalid base64"),
        ({"link": UNKNOWN, "files": [-1]}, ""),
        ({"link": UNKNOWN, "files": ["a"]}, "Expected `int`, got `str`"),
        ({}, "A link is a magnet link"),
    ],
)
async def test_a_fetch_of_nothing_or_of_two_things_is_refused(
    post: Fetch, fields: dict[str, Any], line: str
) -> None:
    code, message = await refusal(post("fetch", **fields))
    assert code in (400, 409)
    assert line in message
