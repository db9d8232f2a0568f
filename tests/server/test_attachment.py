from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.server.attachment import attachment


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("data.csv", "attachment; filename=\"data.csv\"; filename*=UTF-8''data.csv"),
        ("a b.csv", "attachment; filename=\"a b.csv\"; filename*=UTF-8''a%20b.csv"),
        ("Größe.csv", "attachment; filename=\"Gr__e.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.csv"),
        ('x"; evil="1', "attachment; filename=\"x_; evil=_1\"; filename*=UTF-8''x_%3B%20evil%3D_1"),
        (
            "../../etc/passwd",
            "attachment; filename=\"_._.._etc_passwd\"; filename*=UTF-8''_._.._etc_passwd",
        ),
        ("100%", "attachment; filename=\"100_\"; filename*=UTF-8''100%25"),
    ],
)
def test_a_name_is_quoted_for_old_readers_and_whole_for_new_ones(name: str, header: str) -> None:
    assert attachment(name) == header


@given(st.text())
def test_no_name_breaks_out_of_the_header(name: str) -> None:
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    start, plain, extended = header.split('"')
    assert start == "attachment; filename="
    assert extended.startswith("; filename*=UTF-8''")
    saved = unquote(extended.removeprefix("; filename*=UTF-8''"))
    for each in (plain, saved):
        assert each
        assert not set(each) & set('/\\\r\n"')
    assert not saved.startswith(".")
