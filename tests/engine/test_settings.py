"""The files that an administrator writes, read without Jupyter."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.engine.settings import load_settings
from jupyter_webtorrent.protocol.errors import WebTorrentError


def test_without_files_all_is_as_it_is_by_default(tmp_path: Path) -> None:
    config = load_settings([str(tmp_path)]).engine_config(tmp_path / "state")
    assert config == EngineConfig(state_folder=tmp_path / "state")


def test_a_later_folder_and_a_python_file_weigh_more(tmp_path: Path) -> None:
    system, user = tmp_path / "system", tmp_path / "user"
    for folder in (system, user):
        folder.mkdir()
    (system / "jupyter_webtorrent_config.py").write_text(
        "c = get_config()\nc.WebTorrentApp.up_limit = 1\nc.WebTorrentApp.down_limit = 1\n"
    )
    (user / "jupyter_webtorrent_config.json").write_text(
        '{"WebTorrentApp": {"up_limit": 2, "trackers": [], "download_folder": "data"},'
        ' "ServerApp": {"port": 1}}'
    )
    config = load_settings([str(system), str(user)]).engine_config(tmp_path)
    assert (config.up_limit, config.down_limit, config.trackers) == (2, 1, ())


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("json", '{"WebTorrentApp": {"up_limit": 0}}', "A setting of WebTorrentApp cannot be used"),
        ("json", "{", "jupyter_webtorrent_config.json cannot be read: JSONDecodeError"),
        ("py", "1 / 0", "jupyter_webtorrent_config.py cannot be read: ZeroDivisionError"),
    ],
)
def test_a_file_that_is_wrong_is_told_in_one_line(
    tmp_path: Path, name: str, content: str, line: str
) -> None:
    (tmp_path / f"jupyter_webtorrent_config.{name}").write_text(content)
    with pytest.raises(WebTorrentError, match=line):
        load_settings([str(tmp_path)])
