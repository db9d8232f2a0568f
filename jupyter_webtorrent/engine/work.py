"""One torrent's tasks while it runs: chores, which a pause ends, and jobs, which it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Work:
    """Begun anew after each pause. A task that raises ends all of them, as in any task group."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._chores: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether it takes tasks."""
        return self._group is not None

    def begin(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._chores.clear()

    def close(self) -> None:
        """Take no more tasks: a group that ends takes none."""
        self._group = None

    def cancel_chores(self) -> None:
        for chore in list(self._chores):
            chore.cancel()

    def spawn_chore(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """Run it until it ends or the torrent pauses; None, and it is not begun, while this is closed."""
        task = self.spawn_job(work)
        if task is not None:
            self._chores.add(task)
            task.add_done_callback(self._chores.discard)
        return task

    def spawn_job(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """Run it to its end; None, and it is not begun, while this is closed."""
        if self._group is None:
            work.close()
            return None
        return self._group.create_task(work)
