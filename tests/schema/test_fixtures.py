"""The two sides of the schema cannot drift: the front end is tested on JSON that these models wrote."""

from __future__ import annotations

import pytest

from jupyter_webtorrent.schema.transfers import TransferState
from tests.schema.fixtures import FIXTURES, FOLDER, TRANSFERS, encode


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_of_the_front_end_is_what_the_models_write(name: str) -> None:
    assert (FOLDER / name).read_bytes() == encode(FIXTURES[name]), (
        "run `python -m tests.schema.fixtures`, then mend labextension/src/schema.ts"
    )


def test_no_other_fixture_is_left_behind() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(FIXTURES)


def test_the_fixtures_show_every_state() -> None:
    assert {transfer.state for transfer in TRANSFERS} == set(TransferState)
