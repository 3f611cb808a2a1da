"""Everything that a worker waits for goes through here, so that nothing it waits for keeps it from noticing that it must end."""

import os
import select
import signal
import time
from typing import Callable, List, Sequence

from .folder import RunFolder

#: How long a signal may go unnoticed at most (a signal wakes no select of Python).
SLICE_SECONDS = 0.2

#: Signals that are sent together arrive within this time.
TOGETHER_SECONDS = 0.3


class RunEnded(Exception):
    """The run is to end before its last cell. `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SupervisorLost(Exception):
    """Whoever watches this process is gone: end without another word."""


class Watch:
    def __init__(self, folder: RunFolder, lifeline: int, lease_seconds: float) -> None:
        self._folder = folder
        self._lifeline = lifeline
        self._lease_seconds = lease_seconds
        #: Whether a signal asked for the end.
        self.cancelled = False
        # Age is counted on the monotonic clock from when a renewal was seen: the wall clock may jump.
        self._lease = folder.lease_time()
        self._renewed = time.monotonic()
        self.others: List[Callable[[], None]] = []
        signal.signal(signal.SIGTERM, self._cancel)
        signal.signal(signal.SIGINT, self._cancel)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _cancel(self, _number: int, _frame: object) -> None:
        self.cancelled = True

    def check(self) -> None:
        if select.select([self._lifeline], [], [], 0)[0] and not os.read(self._lifeline, 1):
            raise SupervisorLost
        if self.cancelled:
            raise RunEnded("Cancelled.")
        lease = self._folder.lease_time()
        if lease != self._lease:
            self._lease, self._renewed = lease, time.monotonic()
        elif time.monotonic() - self._renewed > self._lease_seconds:
            raise RunEnded(f"Nobody followed the run for {self._lease_seconds:g} s, its lease. Resume it to go on.")
        for other in self.others:
            other()

    def end_if_told(self) -> None:
        """
        Before a failure is written down. Whoever ends a group of processes (a scheduler, a machine that shuts down) signals the engine and this
        process together, and its end is then no result. Raises RunEnded or SupervisorLost where that is so.
        """
        self.wait(TOGETHER_SECONDS)

    def wait(self, seconds: float, readable: Sequence[int] = (), writable: Sequence[int] = ()) -> bool:
        """Until a descriptor is ready (True) or the time is over (False). Raises RunEnded or SupervisorLost."""
        end = time.monotonic() + seconds
        while True:
            self.check()
            left = min(SLICE_SECONDS, end - time.monotonic())
            reading, writing, _ = select.select([self._lifeline, *readable], writable, [], max(0.0, left))
            if writing or any(descriptor != self._lifeline for descriptor in reading):
                return True
            if time.monotonic() >= end:
                self.check()
                return False
