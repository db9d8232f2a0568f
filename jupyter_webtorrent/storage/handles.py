"""A bounded set of open files that many threads use at once: opened on demand, the idlest closed first.

Knows descriptors and keys only; what is opened, and how, is its owner's.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, nullcontext
from threading import Condition, Lock
from typing import Final, Generic, TypeVar

from jupyter_webtorrent.storage.errors import StorageError

K = TypeVar("K", bound=Hashable)

_SHARES_POSITION: Final = not hasattr(os, "pread")
"""Windows reads and writes at one position of each descriptor: one thread at a time."""


class HandleCache(Generic[K]):
    """Descriptors by key, each opened by `open_file`, whose OSErrors pass through `borrow`."""

    def __init__(self, open_file: Callable[[K], int], limit: int = 64) -> None:
        self._open_file = open_file
        self._limit = limit
        self._handles: OrderedDict[K, _Handle] = OrderedDict()
        """Idlest first."""
        self._changed = Condition()
        self._emptied = False
        self._closed = False

    @contextmanager
    def borrow(self, key: K) -> Iterator[int]:
        """A descriptor that stays open inside the `with`; raises StorageError once closed."""
        handle = self._take(key)
        try:
            with handle.one_at_a_time:
                yield handle.descriptor
        finally:
            self._give_back(handle)

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """Nothing is open inside the `with`: borrowers finish first, new ones wait. Not to be nested."""
        with self._changed:
            self._changed.wait_for(lambda: not self._emptied)
            self._emptied = True
            self._changed.wait_for(self._all_idle)
            self._close_idle(keep=0)
        try:
            yield
        finally:
            with self._changed:
                self._emptied = False
                self._changed.notify_all()

    def close(self) -> None:
        """Close every descriptor, a borrowed one as it comes back."""
        with self._changed:
            self._closed = True
            self._close_idle(keep=0)
            self._changed.notify_all()

    def __len__(self) -> int:
        """Files open now."""
        return len(self._handles)

    def _take(self, key: K) -> _Handle:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._emptied)
            if self._closed:
                raise StorageError("this download is closed")
            handle = self._handles.get(key)
            if handle is None:
                self._close_idle(keep=self._limit - 1)
                handle = self._handles[key] = _Handle(self._open_file(key))
            else:
                self._handles.move_to_end(key)
            handle.users += 1
            return handle

    def _give_back(self, handle: _Handle) -> None:
        with self._changed:
            handle.users -= 1
            if self._closed:
                self._close_idle(keep=0)
            if self._emptied:
                self._changed.notify_all()

    def _all_idle(self) -> bool:
        return not any(handle.users for handle in self._handles.values())

    def _close_idle(self, keep: int) -> None:
        """Close unused descriptors, idlest first, until `keep` are left; more are left if all are in use."""
        surplus = len(self._handles) - keep
        if surplus <= 0:
            return
        idle = [key for key, handle in self._handles.items() if not handle.users]
        for key in idle[:surplus]:
            os.close(self._handles.pop(key).descriptor)


class _Handle:
    __slots__ = ("descriptor", "one_at_a_time", "users")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.users = 0
        self.one_at_a_time = Lock() if _SHARES_POSITION else nullcontext()
