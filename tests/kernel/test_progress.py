from __future__ import annotations

from typing import Any

import pytest
from ipywidgets import VBox  # type: ignore[import-untyped]
from ipywidgets.widgets.widget import _instances  # type: ignore[import-untyped]

from jupyter_webtorrent.kernel import progress
from jupyter_webtorrent.kernel.errors import TransferFailedError
from jupyter_webtorrent.kernel.progress import TextDisplay, WidgetDisplay, wait_visibly
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.schema.transfers import TransferState
from tests.kernel.scripted import ScriptedClient, status

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
    display.end(status(done=160))
    assert capsys.readouterr().out.splitlines() == [
        "penguins.csv: 0 B of 1 kB, 2.1 kB/s from 1 peer",
        "penguins.csv: 100 B of 1 kB, 2.1 kB/s from 1 peer",
        "penguins.csv: 150 B of 1 kB, 2.1 kB/s from 1 peer; tracker refused",
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
    display = WidgetDisplay()
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
