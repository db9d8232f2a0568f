"""What was chosen is kept whole, or not at all."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.choices import (
    ChoiceError,
    effective_settings,
    keep_choices,
    load_choices,
    with_choices,
)
from jupyter_webtorrent.engine.config import EngineConfig
from jupyter_webtorrent.schema.settings import Settings


def test_what_is_kept_is_loaded(tmp_path: Path) -> None:
    chosen = Settings(trackers=[], up_limit=0, seed_ratio=1.5, dht=False)
    keep_choices(tmp_path / "new", chosen)
    keep_choices(tmp_path / "new", chosen)
    assert load_choices(tmp_path / "new") == chosen
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["settings.json"]


def test_nothing_chosen_changes_nothing_and_zero_is_no_limit() -> None:
    config = EngineConfig(up_limit=5, seed_ratio=2.0)
    assert with_choices(config, Settings()) == config
    chosen = with_choices(config, Settings(up_limit=0, seed_ratio=0, down_limit=3))
    assert (chosen.up_limit, chosen.seed_ratio, chosen.down_limit) == (None, None, 3)
    assert effective_settings(chosen, "data").up_limit == 0


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path: Path) -> None:
    keep_choices(tmp_path, Settings(up_limit=1))
    (tmp_path / "state").write_text("a file in the way")
    with pytest.raises(ChoiceError, match="The settings cannot be kept: File exists"):
        keep_choices(tmp_path / "state", Settings(up_limit=2))
    assert load_choices(tmp_path) == Settings(up_limit=1)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b'{"listen_port": 99999}', b"[]", b'{"dht": "no"}']
)
def test_a_damaged_file_is_ignored_with_a_line_in_the_log(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "settings.json").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert load_choices(tmp_path) == Settings()
    (line,) = caplog.messages
    assert "settings.json is ignored: " in line
