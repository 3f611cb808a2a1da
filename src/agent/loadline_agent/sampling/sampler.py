"""Telemetry at absolute deadlines: tick k is due at start + k x interval, whatever the ticks before it took.

What is read at every tick comes first; what is read less often follows in the time that is left until the next one, a GPU
at a time, and is held in between. A tick that cannot be taken in time is skipped, and a gap record says how many were and
why. A sample's time is the middle of its reads.
"""

import collections
import math
import socket
import time
from typing import Callable, Deque, List, Optional, Tuple

from ..clock import monotonic_ms, wall_ms
from ..devices.device import Device
from ..host import HostSampler
from .jobs import Job, Jobs
from .notices import ClockWatch, Notices
from .reading import COLUMNS, MODES

SCHEMA = 1

#: The wall clock is corrected by this much at most over a run; a larger step of one clock against the other is another boot.
SAME_BOOT_MS = 60000


class Sampler:
    """`write` takes records; `stopped` waits up to so many seconds and says whether to end."""

    def __init__(
        self,
        device: Device,
        interval_ms: float,
        write: Callable[[dict], None],
        stopped: Callable[[float], bool],
        mode: str = "live",
        keep_power: bool = False,
        marks: Optional[Deque[Tuple[float, str]]] = None,
    ) -> None:
        self._device = device
        self._mode = MODES[mode]
        self._interval = max(interval_ms / 1000, self._mode.least_interval)
        self._write = write
        self._stopped = stopped
        self._host = HostSampler()
        self._seq = 0
        #: (when, text); may be added to from any thread, also before the device is open.
        self._marks = marks if marks is not None else collections.deque()
        self._gpus = device.gpus()
        self._readings = device.readings(self._mode, self._interval, keep_power)
        given = {column for reading in self._readings for column in reading.columns}
        self._columns = [column for column in COLUMNS if column in given]
        self._rows: List[List[Optional[float]]] = [[None] * len(self._columns) for _ in self._gpus]
        self._host_row: List[Optional[float]] = [None] * len(self._host.columns)
        self.notices = Notices(write)
        self._clock = ClockWatch(self.notices)
        self.jobs = Jobs(self._readings, len(self._gpus), self._keep, self.notices)
        self.jobs.add(Job("host", self._mode.periods["host"], self._read_host))

    def header(self) -> dict:
        return {
            "type": "telemetry-header",
            "schema": SCHEMA,
            "source": self._device.source,
            "recorded": self._device.recorded,
            "hostname": socket.gethostname(),
            "intervalMs": round(self._interval * 1000, 3),
            "startedWallMs": wall_ms(),
            "startedMonotonicMs": monotonic_ms(),
            "gpus": self._gpus,
            "gpuColumns": self._columns,
            "hostColumns": list(self._host.columns),
            "method": {
                "mode": self._mode.name,
                "rung": self._device.rung,
                "detail": self._device.detail,
                "readings": [reading.about() for reading in self._readings],
            },
        }

    def begin(self, last: Optional[dict] = None) -> None:
        """Writes the header, or goes on after `last`, the last line of a file: what lies between is a gap.

        Monotonic times of another boot do not compare; a header starts them anew.
        """
        if last is None:
            self._write(self.header())
            return
        # A header or a gap as the last line: the next seq is not in it, so that the file begins anew as well.
        now, wall = monotonic_ms(), wall_ms()
        if last["type"] != "telemetry" or abs((wall - last["wallMs"]) - (now - last["monotonicMs"])) > SAME_BOOT_MS:
            self._write(self.header())
            return
        self._seq = last["seq"] + 1
        missed = math.floor((now - last["monotonicMs"]) / (self._interval * 1000))
        self._write(gap(last["monotonicMs"], now, missed, "the run was interrupted"))

    def mark(self, text: str) -> None:
        """Something starts or ends: said, and what is to be read then is read after the next tick."""
        self._marks.append((monotonic_ms(), text))

    def run(self, duration_seconds: Optional[float] = None) -> None:
        # What is held must be there at the first tick.
        for record in self.jobs.run_all():
            self._write(record)
        self.jobs.start(time.monotonic())
        start = time.monotonic()
        # Ticks 0 to ticks - 1 are due; what a stall over the end would have taken besides was never missed.
        # Rounded first: 1.1 / 0.1 is 11.000000000000002, and there is no twelfth tick.
        ticks = math.inf if duration_seconds is None else math.ceil(round(duration_seconds / self._interval, 6))
        tick = 0
        while True:
            deadline = start + tick * self._interval
            if duration_seconds is not None and tick >= ticks:
                self._finish(start + duration_seconds)
                return
            if self._stopped(deadline - time.monotonic()):
                self._finish(0)
                return
            woken = time.monotonic()
            events = self.jobs.run_each_tick()
            read = time.monotonic()
            self._write(self._record(deadline, woken, read))
            for event in events:
                self._write(event)
            self._take_marks()
            written = time.monotonic()
            slowest = self._spare_time(start + (tick + 1) * self._interval)
            done = time.monotonic()
            following = max(tick + 1, int(min(ticks, math.ceil((done - start) / self._interval))))
            if following > tick + 1:
                causes = {
                    "the agent was not scheduled in time": woken - deadline,
                    "reading the device took too long": read - woken,
                    "whoever reads the telemetry took too long": written - read,
                    f"reading {slowest} took longer than the time between two ticks": done - written,
                }
                until = (start + following * self._interval) * 1000
                cause = max(causes, key=causes.__getitem__)
                middle = (woken + read) / 2 * 1000
                self._write(gap(round(middle, 3), round(until, 3), following - tick - 1, cause))
            tick = following

    def _record(self, deadline: float, woken: float, read: float) -> dict:
        now = (woken + read) / 2
        wall = time.time() - (time.monotonic() - now)
        self._clock.look(now, wall)
        return {
            "type": "telemetry",
            "seq": self._next_seq(),
            "monotonicMs": round(now * 1000, 3),
            "wallMs": round(wall * 1000, 3),
            "gpus": [list(row) for row in self._rows],
            "host": list(self._host_row),
            "lateMs": round((woken - deadline) * 1000, 2),
        }

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq - 1

    def _spare_time(self, until: float) -> str:
        """Reads what is due, as long as it is expected to be done in time. Gives the name of the slowest."""
        slowest, longest = "", -1.0
        while True:
            began = time.monotonic()
            job = self.jobs.next_due(began, until)
            if job is None:
                return slowest
            for record in self.jobs.run(job):
                self._write(record)
            took = time.monotonic() - began
            if took > longest:
                slowest, longest = job.name, took

    def _take_marks(self) -> None:
        while self._marks:
            at, text = self._marks.popleft()
            self._write({"type": "telemetry-mark", "monotonicMs": at, "text": text})
            self.jobs.mark()

    def _finish(self, until: float) -> None:
        """The last word of what is read at marks; then the rest of the time that was asked for."""
        self._take_marks()
        for record in self.jobs.run_at_end():
            self._write(record)
        self._stopped(until - time.monotonic())

    def _keep(self, position: int, columns: Tuple[str, ...], values: list) -> None:
        row = self._rows[position]
        for place, column in enumerate(columns):
            row[self._columns.index(column)] = values[place] if place < len(values) else None

    def _read_host(self) -> None:
        self._host_row = self._host.read()


def gap(from_ms: float, to_ms: float, missed: int, cause: str) -> dict:
    return {
        "type": "telemetry-gap",
        "fromMonotonicMs": from_ms,
        "toMonotonicMs": to_ms,
        "missedTicks": missed,
        "cause": cause,
    }
