from __future__ import annotations

import io
import re
import sys
import threading
from typing import Any

import pytest
from ipywidgets import Button, VBox  # type: ignore[import-untyped]
from ipywidgets.widgets.widget import _instances  # type: ignore[import-untyped]

from jupyter_webtorrent.kernel import progress
from jupyter_webtorrent.kernel.errors import TransferCancelledError, TransferFailedError
from jupyter_webtorrent.kernel.progress import (
    TerminalDisplay,
    TextDisplay,
    WidgetDisplay,
    call_visibly,
    wait_visibly,
)
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.schema.transfers import TransferState
from tests.kernel.scripted import HASH, ScriptedClient, status

SEEDING = TransferState.SEEDING


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shows progress from the first moment on."""
    monkeypatch.setattr(progress, "_QUIET", 0.0)


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every MIME bundle that was displayed, or has taken the place of one."""
    bundles: list[dict[str, Any]] = []

    class Handle:
        def update(self, bundle: dict[str, Any], *, raw: bool) -> None:
            bundles.append(bundle)

    def display(bundle: dict[str, Any], *, raw: bool, display_id: bool) -> Handle:
        bundles.append(bundle)
        return Handle()

    monkeypatch.setattr(progress, "display", display)
    return bundles


def test_lines_of_text_come_with_news_only(capsys: pytest.CaptureFixture[str]) -> None:
    display = TextDisplay()
    for done in (0, 40, 99, 100, 150):
        display.show(status(done=done))
    display.show(status(done=150, notice="tracker refused"))
    display.show(status(done=150), "this Jupyter server does not answer, trying again")
    display.end(status(done=160))
    assert capsys.readouterr().out.splitlines() == [
        "penguins.csv: 0 B of 1 kB, 2.1 kB/s from 1 peer",
        "penguins.csv: 100 B of 1 kB, 2.1 kB/s from 1 peer",
        "penguins.csv: 150 B of 1 kB, 2.1 kB/s from 1 peer; tracker refused",
        "penguins.csv: this Jupyter server does not answer, trying again",
    ]


def test_what_is_fast_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    wait_visibly(Transfer(ScriptedClient([status()], [status(SEEDING)]), status()))
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("eager")
def test_without_widgets_a_wait_prints_lines(capsys: pytest.CaptureFixture[str]) -> None:
    wait_visibly(Transfer(ScriptedClient([status(done=560)], [status(SEEDING)]), status()))
    assert capsys.readouterr().out == "penguins.csv: 560 B of 1 kB, 2.1 kB/s from 1 peer\n"


def test_a_bar_of_widgets_leaves_a_bar_of_text_and_no_widget(
    displayed: list[dict[str, Any]],
) -> None:
    display = WidgetDisplay(lambda: None)
    display.show(status(done=250, name="$x$.csv"))
    display.show(status(done=500))
    display.end(status(SEEDING))
    first, last = displayed
    assert "application/vnd.jupyter.widget-view+json" in first
    assert first["text/plain"] == " 25% ██████░░░░░░░░░░░░░░░░░░"
    assert last == {"text/plain": "100% ████████████████████████"}
    assert not [widget for widget in _instances.values() if isinstance(widget, VBox)]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("end", [TransferFailedError("gone"), KeyboardInterrupt()])
def test_a_wait_that_breaks_off_leaves_how_far_it_came(
    displayed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    class Kernel:
        kernel = object()

    class Client(ScriptedClient):
        def transfers(self) -> Any:
            if self.asked == 1:
                raise end
            return super().transfers()

    monkeypatch.setattr(progress, "get_ipython", Kernel)
    with pytest.raises(type(end)):
        wait_visibly(Transfer(Client([status(done=500)]), status()))
    assert displayed[-1] == {"text/plain": " 50% ████████████░░░░░░░░░░░░"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_with_rate_peers_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    display = TerminalDisplay()
    display.show(status(TransferState.METADATA, name="", total=0))
    display.show(status(done=250, notice="saved as penguins (1).csv"))
    display.show(status(done=500, peers=2))
    display.show(status(done=500), "this Jupyter server does not answer, trying again")
    display.end(status(SEEDING))
    shown = terminal.getvalue()
    assert f"{HASH} (metadata)" in shown
    assert "saved as penguins (1).csv\n" in shown
    assert "penguins.csv (downloading):  50%" in shown
    assert "500/1.00k" in shown
    assert re.search(r"500/1\.00k .*\d+:\d\d<\d+:\d\d, +[\d.]+[kM]?B/s, 2 peers\]", shown), shown
    assert "does not answer, trying again]" in shown
    assert "penguins.csv: 100%" in shown
    assert shown.endswith("\n")


@pytest.mark.usefixtures("eager")
def test_a_wait_that_is_cancelled_removes_only_what_it_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    removed: list[tuple[str, bool]] = []

    class Client(ScriptedClient):
        def remove(
            self, info_hash: str, *, delete_data: bool = False, only_on_demand: bool = False
        ) -> None:
            removed.append((info_hash, delete_data))

    class Display(TextDisplay):
        def __init__(self, cancel: Any) -> None:
            super().__init__()
            threading.Thread(target=cancel).start()  # as a button's click comes

    monkeypatch.setattr(progress, "_display", Display)
    with pytest.raises(TransferCancelledError, match=r"^penguins\.csv is cancelled\. What came so"):
        wait_visibly(Transfer(Client([status(done=560)]), status()), is_ours=True)
    assert removed == [(HASH, False)]
    with pytest.raises(TransferCancelledError, match=r"^penguins\.csv is waited for no longer\.$"):
        wait_visibly(Transfer(Client([status(done=560)]), status()))
    assert removed == [(HASH, False)]


def test_the_button_is_there_only_where_it_is_heard(
    displayed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[str] = []
    heard = False
    monkeypatch.setattr(progress, "handles_comms_meanwhile", lambda: heard)
    display = WidgetDisplay(lambda: pressed.append("cancel"))
    display.show(status())
    (button,) = [each for each in _instances.values() if isinstance(each, Button)]
    assert button.layout.visibility == "hidden"
    heard = True
    display.show(status())
    assert button.layout.visibility == "visible"
    button.click()
    assert button.disabled
    assert pressed == ["cancel"]
    display.end(status())


def test_a_wait_for_the_list_of_files_leaves_no_bar_behind(displayed: list[dict[str, Any]]) -> None:
    display = WidgetDisplay(lambda: None)
    display.show(status(TransferState.METADATA))
    display.end(status(TransferState.ON_DEMAND))
    assert displayed[-1] == {"text/plain": "penguins.csv: 1 kB"}


def test_a_call_that_takes_its_time_says_what_is_done_and_ends_in_plain_text(
    displayed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kernel:
        kernel = object()

    monkeypatch.setattr(progress, "get_ipython", Kernel)
    assert call_visibly(lambda: 1, "hashing x") == 1
    assert displayed == []

    monkeypatch.setattr(progress, "_QUIET", 0.0)
    go_on = threading.Event()

    def work() -> int:
        assert go_on.wait(10)
        return 2

    class Line(progress._Line):
        def show(self, words: str) -> None:
            super().show(words)
            go_on.set()

    monkeypatch.setattr(progress, "_Line", Line)
    assert call_visibly(work, "hashing x") == 2
    assert displayed[0] == {"text/plain": "hashing x … 0.0 s"}
    assert displayed[-1] == {"text/plain": "hashing x, done in 0.0 s"}


def test_a_call_that_fails_fails_as_if_it_were_called() -> None:
    def work() -> int:
        raise TransferFailedError("gone")

    with pytest.raises(TransferFailedError, match=r"^gone$"):
        call_visibly(work, "hashing x")
