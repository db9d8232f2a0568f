"""No input makes a parser do anything but return or raise an error of its own."""

from __future__ import annotations

import time
from itertools import islice
from random import Random

import pytest

from tests.fuzz.mutate import mutations
from tests.fuzz.targets import TARGETS, run

ALL_INPUTS = 1_000_000
SLOWEST_SECONDS = 1.0
"""For one input (limits: each under 1 s)."""


def fuzz(name: str, count: int, seed: int) -> float:
    """Feed so many inputs; the seconds that the slowest one took."""
    target = TARGETS[name]
    slowest = 0.0
    for data in islice(mutations(target.seeds, Random(seed)), count):
        began = time.perf_counter()
        try:
            run(target, data)
        except Exception as error:
            raise AssertionError(f"{name} fell over {data!r}") from error
        slowest = max(slowest, time.perf_counter() - began)
    return slowest


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_is_well_formed(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].parse(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_survives_what_is_nearly_right(name: str) -> None:
    assert fuzz(name, 500, seed=1) < SLOWEST_SECONDS


@pytest.mark.prove
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", TARGETS)
def test_a_million_inputs_over_all_parsers(name: str) -> None:
    count = -(-ALL_INPUTS // len(TARGETS))
    began = time.perf_counter()
    slowest = fuzz(name, count, seed=2)
    seconds = time.perf_counter() - began
    print(f"{name}: {count:,} inputs in {seconds:.1f} s, the slowest {1000 * slowest:.1f} ms")
    assert slowest < SLOWEST_SECONDS
