"""What holds for every test: no task outlives it, and hypothesis does not race a busy machine's clock."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator

import hypothesis
import pytest
import pytest_asyncio

# Says that this thread has no loop. Otherwise looptime has asyncio make one for the first synchronous test, and
# nobody closes it.
asyncio.set_event_loop(None)

hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `no_task_is_left` surround every test that runs in an event loop."""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, "no_task_is_left")


@pytest_asyncio.fixture
async def no_task_is_left() -> AsyncIterator[None]:
    """Fail a test that leaves a task behind, once its other fixtures are gone."""
    before = asyncio.all_tasks()
    yield
    # A task that was cancelled on the way out ends within a turn of the loop.
    await asyncio.sleep(0)
    current = asyncio.current_task()
    left = {task for task in asyncio.all_tasks() - before if task is not current}
    assert not left, f"still running: {left}"
