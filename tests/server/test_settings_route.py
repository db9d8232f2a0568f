"""What is set over HTTP holds at once, is kept, and is there again after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jupyter_core.paths import jupyter_data_dir

from jupyter_webtorrent.engine.choices import load_choices
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.schema.settings import Settings, SettingsStatus
from jupyter_webtorrent.server.extension import WebTorrentApp
from tests.server.answers import API, Fetch, refusal

EVERYTHING = Settings(
    trackers=["wss://tracker.example/announce", "udp://tracker.example:6969"],
    download_folder="downloads",
    listen_port=0,
    down_limit=2_000_000,
    up_limit=0,
    limit_lan=True,
    lan_discovery=False,
    dht=False,
    port_mapping=False,
    seed_ratio=1.5,
    seed_seconds=0.0,
)


def state_folder() -> Path:
    return Path(jupyter_data_dir(), "webtorrent")


@pytest.fixture
def put(jp_fetch: Fetch) -> Callable[..., Any]:
    async def put(**fields: Any) -> SettingsStatus:
        answer = await jp_fetch(API, "settings", method="PUT", body=json.dumps(fields))
        return msgspec.json.decode(answer.body, type=SettingsStatus)

    return put


async def test_what_holds_is_told_and_no_engine_is_started_for_it(
    jp_fetch: Fetch, extension: WebTorrentApp
) -> None:
    extension.up_limit = 500_000
    extension.download_folder = "data"
    answer = await jp_fetch(API, "settings")
    status = msgspec.json.decode(answer.body, type=SettingsStatus)
    assert status.chosen == Settings()
    assert None not in msgspec.structs.astuple(status.effective)
    assert (status.effective.up_limit, status.effective.down_limit) == (500_000, 0)
    assert status.effective.download_folder == "data"
    assert extension._host is None


async def test_what_was_chosen_holds_is_kept_and_is_taken_back(
    put: Callable[..., Any], extension: WebTorrentApp
) -> None:
    extension.up_limit = 500_000
    status = await put(**msgspec.structs.asdict(EVERYTHING))
    assert status.chosen == status.effective == EVERYTHING
    config = extension.running_config()
    assert config.trackers == tuple(EVERYTHING.trackers or ())
    assert (config.down_limit, config.up_limit) == (2_000_000, None)
    assert (config.seed_ratio, config.seed_seconds) == (1.5, None)
    assert (config.dht, config.lan_discovery, config.limit_lan) == (False, False, True)
    assert load_choices(state_folder()) == EVERYTHING
    assert (state_folder() / "settings.json").stat().st_mode & 0o777 == 0o600

    later = WebTorrentApp()
    assert later.running_config().down_limit == 2_000_000
    assert later.fetch_folder == "downloads"

    status = await put()
    assert status.chosen == Settings()
    assert status.effective.up_limit == 500_000
    assert load_choices(state_folder()) == Settings()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"trackers": ["wss://good.example", "ftp://me:secret@tracker.example"]},
            "Tracker 2 of 2: its scheme must be http, https, udp, ws, wss, not 'ftp'.",
        ),
        ({"trackers": ["hello"]}, "Tracker 1 of 1: its scheme must be"),
        ({"trackers": ["wss://a.example"] * 21}, "There may be 20 trackers, not 21."),
        ({"listen_port": 65536}, "A port is a number from 0, for any free one, to 65535."),
        ({"down_limit": -1}, "down_limit is a number from 0, for none, to"),
        ({"seed_ratio": -0.5}, "seed_ratio is a number from 0, for none, to"),
        ({"seed_seconds": 10**300}, "seed_seconds is a number from 0, for none, to"),
        ({"download_folder": "../elsewhere"}, "not a path inside the folder"),
        ({"download_folder": ".hidden"}, "is hidden"),
        ({"up_limit": "fast"}, "Expected `int | null`, got `str` - at `$.up_limit`"),
        ({"uplimit": 5}, "Object contains unknown field `uplimit`"),
    ],
)
async def test_a_wrong_setting_is_refused_in_one_line_and_changes_nothing(
    put: Callable[..., Any], fields: dict[str, Any], line: str
) -> None:
    await put(up_limit=7)
    code, message = await refusal(put(**fields))
    assert code == 400
    assert line in message
    assert "secret" not in message
    assert load_choices(state_folder()) == Settings(up_limit=7)


async def test_an_absolute_download_folder_needs_the_right_to_run_kernels(
    put: Callable[..., Any], deny: Callable[..., None], tmp_path: Path
) -> None:
    deny(("execute", "kernels"))
    assert (await refusal(put(download_folder=str(tmp_path))))[0] == 403
    deny(("write", "contents"))
    assert (await refusal(put(download_folder="data")))[0] == 403


async def test_settings_that_cannot_be_kept_do_not_hold(
    put: Callable[..., Any], extension: WebTorrentApp
) -> None:
    state_folder().parent.mkdir(parents=True, exist_ok=True)
    state_folder().write_text("a file in the way")
    code, message = await refusal(put(up_limit=7))
    assert (code, message) == (400, "The settings cannot be kept: File exists.")
    assert extension.running_config().up_limit is None


class _Engine:
    """Takes a configuration, or refuses it."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.configs: list[EngineConfig] = []

    def configure(self, config: EngineConfig) -> Future[None]:
        done: Future[None] = Future()
        if self.refusal:
            done.set_exception(EngineError(self.refusal))
        else:
            self.configs.append(config)
            done.set_result(None)
        return done

    def close(self) -> None:
        pass


async def test_a_running_engine_is_told(
    put: Callable[..., Any], extension: WebTorrentApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Engine()
    monkeypatch.setattr(extension, "_host", engine)
    await put(up_limit=7)
    await put()
    assert [config.up_limit for config in engine.configs] == [7, None]


async def test_what_a_running_engine_refuses_is_not_kept(
    put: Callable[..., Any], extension: WebTorrentApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(up_limit=7)
    monkeypatch.setattr(extension, "_host", _Engine("port 80 is taken"))
    assert await refusal(put(listen_port=80)) == (409, "port 80 is taken")
    assert load_choices(state_folder()) == extension.chosen == Settings(up_limit=7)


async def test_new_settings_of_a_running_engine_lose_no_transfer(
    put: Callable[..., Any], jp_fetch: Fetch, post: Fetch, dataset: Path
) -> None:
    shared = json.loads((await post("share", paths=[dataset.name])).body)
    status = await put(up_limit=9, dht=False, lan_discovery=False)
    assert status.effective.up_limit == 9
    assert json.loads((await jp_fetch(API, "session")).body)["transfers"] == 1
    (transfer,) = json.loads((await jp_fetch(API, "torrents")).body)
    assert transfer["info_hash"] == shared["info_hash"]


async def test_a_new_port_is_to_be_had_and_a_known_one_need_not_be(
    put: Callable[..., Any], extension: WebTorrentApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Engine()
    monkeypatch.setattr(extension, "_host", engine)
    await put(listen_port=5000)
    await put(listen_port=5000, up_limit=7)
    assert [config.listen_elsewhere for config in engine.configs] == [False, True, True]
    assert not WebTorrentApp(listen_port=80).engine_config(Path("state")).listen_elsewhere


async def test_what_another_server_of_the_user_chose_is_told_and_stays(
    put: Callable[..., Any],
    jp_fetch: Fetch,
    extension: WebTorrentApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await put(down_limit=5)
    await WebTorrentApp().choose(Settings(down_limit=5, up_limit=12_345))

    async def get() -> SettingsStatus:
        return msgspec.json.decode((await jp_fetch(API, "settings")).body, type=SettingsStatus)

    assert (await get()).effective.up_limit == 12_345
    engine = _Engine()
    monkeypatch.setattr(extension, "_host", engine)
    await WebTorrentApp().choose(Settings(down_limit=5, up_limit=777))
    status = await get()
    assert status.chosen == Settings(down_limit=5, up_limit=777)
    assert status.effective.up_limit == 12_345  # the engine runs by that still
    status = await put(**{**msgspec.structs.asdict(status.chosen), "dht": False})
    assert status.chosen == Settings(down_limit=5, up_limit=777, dht=False)
    assert engine.configs[-1].up_limit == 777


async def test_two_who_choose_at_once_leave_what_one_of_them_chose(
    put: Callable[..., Any], extension: WebTorrentApp
) -> None:
    await asyncio.gather(*(put(up_limit=limit, down_limit=limit) for limit in range(1, 9)))
    kept = load_choices(state_folder())
    assert kept == extension.chosen
    assert kept.up_limit == kept.down_limit
