from __future__ import annotations

import pytest

from jupyter_webtorrent.kernel.widgets.anywidgets import RatePlot
from jupyter_webtorrent.kernel.widgets.history import STEP, STEPS, RateHistory


def test_a_step_is_noted_once() -> None:
    history = RateHistory()
    assert history.add(100.0, 5.4, 1.0)
    assert not history.add(100.0 + STEP / 2, 9.0, 9.0)
    assert history.add(100.0 + STEP, 7.0, 2.0)
    assert (history.down, history.up, history.span) == ([5, 7], [1, 2], STEP)


def test_a_look_that_comes_late_stands_for_those_it_replaces_and_a_sleep_is_empty() -> None:
    history = RateHistory()
    history.add(0.0, 1.0, 1.0)
    history.add(3 * STEP, 2.0, 2.0)
    assert history.down == [1, 2, 2, 2]
    history.add(10 * STEP, 3.0, 3.0)
    assert history.down == [1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 3]


def test_it_never_grows_beyond_its_bound() -> None:
    history = RateHistory()
    for second in range(10_000):
        history.add(float(second), second, second)
    history.add(1e9, 1.0, 1.0)
    assert len(history.down) == STEPS
    assert history.down[-2:] == [0, 1]


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1000), (1001, 2000), (2001, 5000), (5001, 10_000), (7e6, 10_000_000)]
)
def test_the_scale_is_a_round_rate(highest: float, top: int) -> None:
    history = RateHistory()
    history.add(0.0, highest, 0.0)
    assert history.top == top


def test_a_plot_says_in_words_what_it_draws() -> None:
    history = RateHistory()
    history.add(0.0, 0.0, 0.0)
    history.add(STEP, 1_500_000, 2000)
    plot = RatePlot()
    plot.show(history)
    assert (plot.down_label, plot.up_label) == ("Receiving 1.5 MB/s", "Sending 2 kB/s")
    assert (plot.top_label, plot.span_label) == ("2 MB/s", "2.0 s ago")
    plot.close()
