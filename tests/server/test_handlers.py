from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tornado.httpclient import HTTPResponse

from jupyter_webtorrent.schema.transfers import (
    SessionStatus,
    TransferDetails,
    TransferState,
    TransferStatus,
)
from jupyter_webtorrent.server.extension import WebTorrentApp
from jupyter_webtorrent.server.handlers import MAX_BODY_BYTES
from tests.server.answers import API, Fetch, refusal

UNKNOWN = "ab" * 20
NOBODY = f"magnet:?xt=urn:btih:{UNKNOWN}&dn=x&x.pe=127.0.0.1%3A9"
"""A link whose one peer is a port that nothing listens on."""


async def test_the_session_tells_its_version_and_opens_no_port_before_it_must(
    jp_fetch: Fetch,
) -> None:
    answer = await jp_fetch(API, "session")
    session = msgspec.json.decode(answer.body, type=SessionStatus)
    assert session.listening is None
    assert session.transfers == 0
    assert answer.headers["Content-Type"] == "application/json"


async def test_a_share_is_listed_described_and_removed_and_its_file_stays(
    jp_fetch: Fetch, post: Fetch, jp_root_dir: Path, dataset: Path
) -> None:
    answer = await post("share", paths=[dataset.name])
    assert answer.code == 202
    shared = msgspec.json.decode(answer.body, type=TransferStatus)
    assert shared.name == dataset.name
    assert shared.magnet.startswith(f"magnet:?xt=urn:btih:{shared.info_hash}")

    listed = msgspec.json.decode((await jp_fetch(API, "torrents")).body, type=list[TransferStatus])
    assert [status.info_hash for status in listed] == [shared.info_hash]
    for info_hash, count in ((shared.info_hash, 1), (UNKNOWN, 0)):
        one = await jp_fetch(API, "torrents", params={"info_hash": info_hash})
        assert len(json.loads(one.body)) == count

    described = await jp_fetch(API, "torrents", shared.info_hash.upper())
    details = msgspec.json.decode(described.body, type=TransferDetails)
    assert [(file.path, file.length) for file in details.files] == [(dataset.name, shared.total)]

    removed = await jp_fetch(
        API, "torrents", shared.info_hash, method="DELETE", params={"data": "true"}
    )
    assert (removed.code, removed.body) == (204, b"")
    assert os.listdir(jp_root_dir) == [dataset.name]
    assert json.loads((await jp_fetch(API, "torrents")).body) == []
    code, _ = await refusal(jp_fetch(API, "torrents", shared.info_hash))
    assert code == 404


async def test_a_transfer_is_paused_and_resumed(
    jp_fetch: Fetch, post: Fetch, dataset: Path
) -> None:
    shared = json.loads((await post("share", paths=[dataset.name])).body)
    for action, state in [("pause", "paused"), ("resume", "seeding"), ("resume", "seeding")]:
        route = (API, "torrents", shared["info_hash"].upper(), action)
        answer = await jp_fetch(*route, method="POST", allow_nonstandard_methods=True)
        assert json.loads(answer.body)["state"] == state
    code, _ = await refusal(
        jp_fetch(API, "torrents", UNKNOWN, "pause", method="POST", allow_nonstandard_methods=True)
    )
    assert code == 404


async def test_a_fetch_goes_to_the_folder_the_settings_name(
    post: Fetch, extension: WebTorrentApp, jp_root_dir: Path
) -> None:
    extension.download_folder = "downloads"
    answer = await post("fetch", link=f"  {NOBODY}\n")
    assert answer.code == 202
    status = msgspec.json.decode(answer.body, type=TransferStatus)
    assert (status.info_hash, status.state) == (UNKNOWN, TransferState.METADATA)
    assert Path(status.folder) == jp_root_dir / "downloads"


async def told(extension: WebTorrentApp, state: TransferState) -> None:
    """Wait until the engine has reported a transfer in that state."""
    with extension.feed.subscription() as news:
        while not extension.feed.count(state):
            await asyncio.wait_for(news.get(), 10)


async def test_a_fetch_keeps_an_idle_server_alive(post: Fetch, extension: WebTorrentApp) -> None:
    assert not extension.current_activity()
    await post("fetch", link=NOBODY)
    await told(extension, TransferState.METADATA)
    assert extension.current_activity()


async def test_seeding_keeps_an_idle_server_alive_only_if_told_to(
    post: Fetch, extension: WebTorrentApp, dataset: Path
) -> None:
    await post("share", paths=[dataset.name])
    await told(extension, TransferState.SEEDING)
    assert not extension.current_activity()
    extension.seeding_counts_as_activity = True
    assert extension.current_activity()


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"paths": ["a"], "pirvate": true}', "Object contains unknown field `pirvate`"),
        (b'{"paths": "a"}', "Expected `array`, got `str` - at `$.paths`"),
        (b"{}", "Object missing required field `paths`"),
        (b'{"paths": ["\xff"]}', "invalid"),
        (b'{"paths": ' + b"[" * 100_000, "Expected `str`, got `array`"),
    ],
)
async def test_a_request_that_is_not_one_gets_a_line_that_says_where(
    jp_fetch: Fetch, body: bytes, line: str
) -> None:
    code, message = await refusal(jp_fetch(API, "share", method="POST", body=body))
    assert code == 400
    assert message.startswith("The request is not valid: ")
    assert line in message


async def test_a_link_that_no_url_can_be_is_refused_in_a_line(post: Fetch) -> None:
    code, message = await refusal(post("fetch", link="http://[::1/x.torrent"))
    assert (code, message) == (
        400,
        "not a URL to use: the host or port of a URL cannot be read",
    )


async def test_a_request_of_more_than_a_mebibyte_is_refused(jp_fetch: Fetch) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    code, message = await refusal(jp_fetch(API, "share", method="POST", body=body))
    assert (code, message) == (413, "This request may have 1,048,576 bytes.")


@pytest.mark.parametrize("path", ["../secret", "door/key", ".hidden", "a\0b"])
async def test_the_browser_shares_nothing_outside_the_root(
    post: Fetch, jp_root_dir: Path, tmp_path: Path, path: str
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("k")
    (jp_root_dir / "door").symlink_to(tmp_path / "secret")
    (jp_root_dir / ".hidden").write_text("h")
    code, message = await refusal(post("share", paths=[path]))
    assert code == 400
    assert repr(path) in message


@pytest.mark.parametrize("folder", ["../elsewhere", "door", ".hidden"])
async def test_the_browser_fetches_nothing_to_outside_the_root(
    post: Fetch, jp_root_dir: Path, tmp_path: Path, folder: str
) -> None:
    (jp_root_dir / "door").symlink_to(tmp_path)
    code, _ = await refusal(post("fetch", link=f"magnet:?xt=urn:btih:{UNKNOWN}", folder=folder))
    assert code == 400


async def test_an_absolute_path_needs_the_right_to_run_kernels(
    post: Fetch, deny: Callable[..., None], tmp_path: Path
) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("1,2\n")
    deny(("execute", "kernels"))
    for answer in (
        post("share", paths=[str(outside)]),
        post("fetch", link=f"magnet:?xt=urn:btih:{UNKNOWN}", folder=str(tmp_path)),
        post("fetch", link=str(tmp_path / "x.torrent")),
    ):
        assert await refusal(answer) == (
            403,
            "Only who may run kernels may name an absolute path.",
        )
    deny()
    assert (await post("share", paths=[str(outside)])).code == 202


async def test_a_relative_path_needs_the_right_to_the_files(
    post: Fetch, deny: Callable[..., None], dataset: Path
) -> None:
    deny(("read", "contents"), ("write", "contents"))
    magnet = f"magnet:?xt=urn:btih:{UNKNOWN}"
    assert (await refusal(post("share", paths=[dataset.name])))[0] == 403
    assert (await refusal(post("fetch", link=magnet)))[0] == 403


@pytest.mark.parametrize(
    ("link", "line"),
    [
        ("hello", "A link is a magnet link"),
        ("file:///etc/passwd", "A link is a magnet link"),
        ("100%s", "A link is a magnet link"),
        ("", "A link is a magnet link"),
        ("magnet:?xt=urn:btih:zz", "info hash"),
        ("../x.torrent", "not a path inside"),
        ("nothing.torrent", "nothing.torrent"),
    ],
)
async def test_a_link_that_is_none_is_refused_in_one_line(
    post: Fetch, link: str, line: str
) -> None:
    code, message = await refusal(post("fetch", link=link))
    assert code in (400, 409)
    assert line in message


@pytest.mark.parametrize("link", [UNKNOWN[1:], "magnet:?xt=urn:btih:zz", "../x.torrent"])
async def test_a_fetch_that_is_refused_makes_no_folder(
    post: Fetch, jp_root_dir: Path, link: str
) -> None:
    await refusal(post("fetch", link=link, folder="new"))
    assert os.listdir(jp_root_dir) == []


async def test_a_file_in_the_place_of_a_folder_is_refused_in_one_line(
    post: Fetch, dataset: Path
) -> None:
    code, message = await refusal(post("fetch", link=NOBODY, folder=dataset.name))
    assert code == 409
    assert message.startswith("There can be no folder")


@pytest.mark.parametrize(
    "path",
    ["a\0b", "/a\0b", "a\ud800b", "/a\udcff", "a" * 5000, "/" + "a" * 5000, "penguins.csv/x"],
    ids=["NUL", "/NUL", "surrogate", "/surrogate", "long", "/long", "below a file"],
)
@pytest.mark.usefixtures("dataset")
async def test_what_can_be_no_path_is_refused_in_one_line(post: Fetch, path: str) -> None:
    for answer in (
        post("share", paths=[path]),
        post("fetch", link=f"{path}.torrent"),
        post("fetch", link=NOBODY, folder=path),
    ):
        code, message = await refusal(answer)
        assert code == 400
        assert len(message) < 200


async def test_an_empty_path_does_not_share_the_whole_root(post: Fetch, dataset: Path) -> None:
    code, message = await refusal(post("share", paths=[dataset.name, ""]))
    assert code == 400
    assert message.startswith("An empty path")


async def test_a_missing_file_is_refused_in_one_line(post: Fetch) -> None:
    code, message = await refusal(post("share", paths=["no % such file.csv"]))
    assert code == 400
    assert "no % such file.csv" in message


@pytest.mark.parametrize(
    "route", ["nothing", "torrents/abc", f"torrents/{UNKNOWN}/files", f"torrents/{UNKNOWN}"]
)
async def test_what_is_not_there_is_a_404_in_one_line(jp_fetch: Fetch, route: str) -> None:
    assert (await refusal(jp_fetch(API, route)))[0] == 404


async def test_a_removal_with_a_misspelt_option_removes_nothing(
    jp_fetch: Fetch, post: Fetch, dataset: Path
) -> None:
    shared = json.loads((await post("share", paths=[dataset.name])).body)
    for option in ("data", "on_demand"):
        answer = jp_fetch(
            API, "torrents", shared["info_hash"], method="DELETE", params={option: "yes"}
        )
        assert await refusal(answer) == (400, f"{option} is true or false, not 'yes'.")
    assert len(json.loads((await jp_fetch(API, "torrents")).body)) == 1


async def test_a_removal_of_what_is_on_demand_leaves_anything_else_alone(
    jp_fetch: Fetch, post: Fetch, dataset: Path
) -> None:
    shared = json.loads((await post("share", paths=[dataset.name])).body)
    query = {"data": "true", "on_demand": "true"}
    await post("fetch", link=f"magnet:?xt=urn:btih:{UNKNOWN}&x.pe=127.0.0.1:9", on_demand=True)
    removed = await jp_fetch(API, "torrents", UNKNOWN, method="DELETE", params=query)
    assert removed.code == 204
    answer = jp_fetch(API, "torrents", shared["info_hash"], method="DELETE", params=query)
    assert await refusal(answer) == (409, f"{dataset.name} is no longer on demand: it stays")
    assert [each["state"] for each in json.loads((await jp_fetch(API, "torrents")).body)] == [
        "seeding"
    ]


@pytest.mark.parametrize(
    ("inside", "right", "message"),
    [
        (True, ("write", "contents"), "You may not delete files on this server."),
        (
            False,
            ("execute", "kernels"),
            "Only who may run kernels may delete files outside its root.",
        ),
    ],
    ids=["in the root", "elsewhere"],
)
async def test_to_delete_data_takes_the_right_to_the_files_where_it_is(
    jp_fetch: Fetch,
    post: Fetch,
    deny: Callable[..., None],
    tmp_path: Path,
    inside: bool,
    right: tuple[str, str],
    message: str,
) -> None:
    place = {} if inside else {"folder": str(tmp_path / "else")}
    await post("fetch", link=NOBODY, **place)

    def remove() -> Awaitable[HTTPResponse]:
        return jp_fetch(API, "torrents", UNKNOWN, method="DELETE", params={"data": "true"})

    deny(right)
    assert await refusal(remove()) == (403, message)
    other = {("write", "contents"), ("execute", "kernels")} - {right}
    deny(*other)
    assert (await remove()).code == 204


async def test_what_was_only_looked_at_is_deleted_without_a_right_to_files(
    jp_fetch: Fetch, post: Fetch, deny: Callable[..., None]
) -> None:
    await post("fetch", link=NOBODY, on_demand=True)
    deny(("write", "contents"), ("execute", "kernels"))
    removed = await jp_fetch(API, "torrents", UNKNOWN, method="DELETE", params={"data": "true"})
    assert removed.code == 204


async def test_a_verb_that_a_route_has_not_is_a_405(jp_fetch: Fetch) -> None:
    code, message = await refusal(jp_fetch(API, "share"))
    assert (code, message) == (405, "Method Not Allowed")


async def test_polling_does_not_count_as_activity_and_sharing_does(
    jp_fetch: Fetch, post: Fetch, jp_serverapp: Any, dataset: Path
) -> None:
    settings = jp_serverapp.web_app.settings
    before = settings.get("api_last_activity")
    for route in ("session", "torrents"):
        await jp_fetch(API, route)
    assert settings.get("api_last_activity") == before
    await post("share", paths=[dataset.name])
    assert settings["api_last_activity"] != before


async def test_an_engine_that_breaks_is_a_500_that_tells_nothing(
    jp_fetch: Fetch, extension: WebTorrentApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(extension.host, "status", broken)
    code, message = await refusal(jp_fetch(API, "session"))
    assert (code, message) == (500, "The server could not do this; its log says why.")


async def test_nothing_is_begun_while_the_server_goes_down(
    post: Fetch, extension: WebTorrentApp, dataset: Path
) -> None:
    await extension.stop_extension()
    code, message = await refusal(post("share", paths=[dataset.name]))
    assert (code, message) == (503, "This Jupyter server is shutting down.")
