"""Telemetry at absolute deadlines: tick k is due at start + k x interval, whatever the ticks before it took.

A tick that cannot be taken in time is skipped, and a gap record says how many were and why. A sample's time is the
middle of its reads.
"""

import math
import socket
import time
from typing import Callable, Optional

from .clock import monotonic_ms, wall_ms
from .devices import open_device
from .devices.device import Device
from .host import HostSampler
from .wire import emit, stdin_closed

SCHEMA = 1

#: The wall clock is corrected by this much at most over a run; a larger step of one clock against the other is another boot.
SAME_BOOT_MS = 60000


class Sampler:
    """`write` takes records; `stopped` waits up to so many seconds and says whether to end."""

    def __init__(
        self, device: Device, interval_ms: float, write: Callable[[dict], None], stopped: Callable[[float], bool]
    ) -> None:
        self._device = device
        self._interval_ms = interval_ms
        self._interval = interval_ms / 1000
        self._write = write
        self._stopped = stopped
        self._host = HostSampler()
        self._seq = 0

    def header(self) -> dict:
        return {
            "type": "telemetry-header",
            "schema": SCHEMA,
            "source": self._device.source,
            "recorded": self._device.recorded,
            "hostname": socket.gethostname(),
            "intervalMs": self._interval_ms,
            "startedWallMs": wall_ms(),
            "startedMonotonicMs": monotonic_ms(),
            "gpus": self._device.gpus(),
            "gpuColumns": list(self._device.columns),
            "hostColumns": list(self._host.columns),
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
        missed = math.floor((now - last["monotonicMs"]) / self._interval_ms)
        self._write(gap(last["monotonicMs"], now, missed, "the run was interrupted"))

    def run(self, duration_seconds: Optional[float] = None) -> None:
        start = time.monotonic()
        # Ticks 0 to ticks - 1 are due; what a stall over the end would have taken besides was never missed.
        # Rounded first: 1.1 / 0.1 is 11.000000000000002, and there is no twelfth tick.
        ticks = math.inf if duration_seconds is None else math.ceil(round(duration_seconds / self._interval, 6))
        tick = 0
        while True:
            deadline = start + tick * self._interval
            if duration_seconds is not None and tick >= ticks:
                self._stopped(start + duration_seconds - time.monotonic())
                return
            if self._stopped(deadline - time.monotonic()):
                return
            woken = time.monotonic()
            gpus, host = self._device.read(), self._host.read()
            read = time.monotonic()
            now = (woken + read) / 2
            wall = time.time() - (read - now)
            self._write(
                {
                    "type": "telemetry",
                    "seq": self._seq,
                    "monotonicMs": round(now * 1000, 3),
                    "wallMs": round(wall * 1000, 3),
                    "gpus": gpus,
                    "host": host,
                }
            )
            written = time.monotonic()
            self._seq += 1
            following = max(tick + 1, int(min(ticks, math.ceil((written - start) / self._interval))))
            if following > tick + 1:
                causes = {
                    "the agent was not scheduled in time": woken - deadline,
                    "reading the device took too long": read - woken,
                    "whoever reads the telemetry took too long": written - read,
                }
                until = (start + following * self._interval) * 1000
                self._write(
                    gap(
                        round(now * 1000, 3), round(until, 3), following - tick - 1, max(causes, key=causes.__getitem__)
                    )
                )
            tick = following


def gap(from_ms: float, to_ms: float, missed: int, cause: str) -> dict:
    return {
        "type": "telemetry-gap",
        "fromMonotonicMs": from_ms,
        "toMonotonicMs": to_ms,
        "missedTicks": missed,
        "cause": cause,
    }


def sample_to_stdout(request: dict) -> None:
    """The `sample` verb: until stdin closes or the duration ends."""
    device = open_device(request["device"])
    try:
        sampler = Sampler(device, request["intervalMs"], emit, stdin_closed)
        sampler.begin()
        duration = request.get("durationMs")
        sampler.run(duration_seconds=duration / 1000 if duration is not None else None)
    finally:
        device.close()
