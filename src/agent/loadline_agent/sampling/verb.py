"""The `sample` verb: readings in a thread of their own, so that a driver that hangs keeps nobody from saying so.

The main thread holds the channel: it answers pings, takes marks, and ends everything when stdin closes.
"""

import collections
import json
import os
import select
import sys
import threading
import time
from typing import Callable, Deque, Optional, Tuple

from ..clock import monotonic_ms, wall_ms
from ..devices import open_device
from ..wire import emit
from .notices import Notices
from .sampler import Sampler

#: A driver that has not answered for so long is said to be silent. Opening one may take seconds without persistence mode.
SILENT_SECONDS = 5.0
WATCH_SECONDS = 0.5
#: Longer control lines are no control lines.
LONGEST_LINE = 1 << 16


class SamplingThread:
    """Opens the device, samples and closes it. `stop` ends it; `done` becomes readable when it has ended."""

    def __init__(
        self, request: dict, indices: Optional[list], write: Callable[[dict], None], last: Optional[dict] = None
    ):
        self._request = request
        self._indices = indices
        self._write = write
        self._last = last
        self._stop_reading, self._stop_writing = os.pipe()
        self.done, self._done_writing = os.pipe()
        self._sampler: Optional[Sampler] = None
        self._marks: Deque[Tuple[float, str]] = collections.deque()
        self._opened = time.monotonic()
        self._silent = False
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def mark(self, text: str) -> None:
        self._marks.append((monotonic_ms(), text))

    def stop(self) -> None:
        if self._stop_writing >= 0:
            os.close(self._stop_writing)
            self._stop_writing = -1

    def join(self, seconds: float) -> bool:
        """True when it ended; raises what ended it."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            return False
        if self._error is not None:
            raise self._error
        return True

    def watch(self) -> None:
        """Says once when the device stops answering, and when it answers again."""
        busy = self._busy()
        if busy is None:
            if self._silent:
                self._silent = False
                Notices(self._write).say("device-back", "the driver answers again")
        elif not self._silent and time.monotonic() - busy[0] > SILENT_SECONDS:
            self._silent = True
            Notices(self._write).say(
                "silent-device",
                f"the driver has not answered for {SILENT_SECONDS:g} s ({busy[1]}). Does `nvidia-smi` hang on this host? A hung driver needs a reset of the GPU or a reboot.",
                [busy[2]] if busy[2] >= 0 else [],
            )

    def _busy(self) -> Optional[tuple]:
        if self._sampler is None:
            return (self._opened, "opening the device", -1) if self._thread.is_alive() else None
        busy = self._sampler.jobs.busy
        return (busy.since, f"reading {busy.what}", busy.gpu) if busy else None

    def _stopped(self, seconds: float) -> bool:
        return bool(select.select([self._stop_reading], [], [], max(0.0, seconds))[0])

    def _run(self) -> None:
        try:
            device = open_device(self._request["device"], self._indices)
            try:
                sampler = Sampler(
                    device,
                    self._request["intervalMs"],
                    self._write,
                    self._stopped,
                    self._request.get("mode") or "live",
                    bool(self._request.get("powerSamples")),
                    self._marks,
                )
                sampler.begin(self._last)
                self._sampler = sampler
                duration = self._request.get("durationMs")
                sampler.run(duration / 1000 if duration is not None else None)
            finally:
                device.close()
        except BaseException as error:
            self._error = error
        finally:
            os.close(self._done_writing)


class ControlLines:
    """Lines of control on a descriptor. What is none is passed over: a later client may say more."""

    def __init__(self, descriptor: int, rest: bytes, ping: Callable[[int, float], None], mark: Callable[[str], None]):
        self._descriptor = descriptor
        self._rest = b""
        self._ping = ping
        self._mark = mark
        self._take(rest, monotonic_ms())

    def read(self) -> bool:
        """False at the end. Call it when there is something to read."""
        data = os.read(self._descriptor, 1 << 16)
        if data:
            self._take(data, monotonic_ms())
        return bool(data)

    def _take(self, data: bytes, received: float) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self._rest = b""
        for line in lines:
            try:
                control = json.loads(line.decode("utf-8"))
            except (ValueError, RecursionError):
                continue
            if not isinstance(control, dict):
                continue
            ping, mark = control.get("ping"), control.get("mark")
            if isinstance(ping, int) and not isinstance(ping, bool):
                self._ping(ping, received)
            elif isinstance(mark, str):
                self._mark(mark)


def pong(ping: int, received: float) -> None:
    emit(
        {
            "type": "telemetry-pong",
            "ping": ping,
            "receivedMonotonicMs": received,
            "sentMonotonicMs": monotonic_ms(),
            "sentWallMs": wall_ms(),
        }
    )


def sample_to_stdout(request: dict, rest: bytes = b"") -> None:
    """Until stdin closes or the duration ends. `rest`: what came on stdin behind the request."""
    thread = SamplingThread(request, None, emit)
    control = ControlLines(0, rest, pong, thread.mark)
    while True:
        readable = select.select([0, thread.done], [], [], WATCH_SECONDS)[0]
        if thread.done in readable or (0 in readable and not control.read()):
            break
        thread.watch()
    thread.stop()
    if not thread.join(SILENT_SECONDS):
        # It hangs in a call of the driver, which nothing can end; whoever reads has gone or was told.
        sys.stdout.flush()
        os._exit(1)
