"""Keeps forks and calls apart.

gRPC has threads of its own. A process that forks while one of its threads is in a call leaves a child behind whose calls hang or
crash. Celery forks whenever a process of its pool has ended, and the parent stores results too, such as that of a task whose
process was killed. So a fork waits for the calls that are in flight, and calls wait for the fork.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import Optional

#: A fork does not wait longer than this, in seconds: what waits for a server that hangs would hold up the whole pool.
_longest_wait = 10.0


class ForkGate:
    """A context manager around each call."""

    def __init__(self) -> None:
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._reset
            )

    def __enter__(self) -> None:
        with self._changed:
            # The thread that forks may call itself, in a handler of its own, and must not wait for itself.
            while self._forking is not None and self._forking != threading.get_ident():
                self._changed.wait()
            self._calls += 1

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        with self._changed:
            self._calls -= 1
            if self._forking is not None:
                self._changed.notify_all()

    def _reset(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._calls = 0
        self._forking: Optional[int] = None

    def _before_fork(self) -> None:
        end = time.monotonic() + _longest_wait
        self._changed.acquire()
        self._forking = threading.get_ident()
        while self._calls > 0 and (left := end - time.monotonic()) > 0:
            self._changed.wait(left)

    def _after_fork(self) -> None:
        self._forking = None
        self._changed.notify_all()
        self._changed.release()


fork_gate = ForkGate()
