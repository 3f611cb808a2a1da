"""telemetry.jsonl of a run, written by a process of its own from the first engine's start to the last one's end."""

import json
import os
import select
import signal
import threading
import time
import traceback
from typing import List, Optional

from ..errors import AgentError, DiskFull
from ..processes import default_signals, die_with, signal_if_there
from ..sampling.verb import WATCH_SECONDS, ControlLines, SamplingThread
from ..wire import encode
from .folder import RunFolder
from .journal import append_line, cut_torn_line, parse_line

FILE = "telemetry.jsonl"
DISK_FULL_STATUS = 28
STOP_SECONDS = 4


class Telemetry:
    def __init__(self, folder: RunFolder, request: dict, gpus: List[int]) -> None:
        self._path = folder.file(FILE)
        reading, self._held = os.pipe()
        parent = os.getpid()
        self._pid: Optional[int] = os.fork()
        if self._pid == 0:
            os.close(self._held)
            record(parent, self._path, request, gpus, reading)
        os.close(reading)

    def check(self) -> Optional[str]:
        """Once, why there will be no more telemetry; None while there is. A full disk raises."""
        if self._pid is None:
            return None
        pid, raw = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0:
            return None
        self._pid = None
        if os.WIFEXITED(raw) and os.WEXITSTATUS(raw) == DISK_FULL_STATUS:
            raise AgentError(
                "disk-full",
                f"Cannot write {self._path}: No space left on device. Free space there, then resume the run.",
            )
        return "Telemetry ended before the run did; see supervisor.log of the run."

    def mark(self, text: str) -> None:
        """A cell starts or ends: the energy counters are read then."""
        try:
            os.write(self._held, json.dumps({"mark": text}).encode() + b"\n")
        except OSError:
            # It has ended; `check` says so.
            pass

    def stop(self) -> None:
        """The end of the pipe asks it to end; a device that hangs is not waited for."""
        os.close(self._held)
        end = time.monotonic() + 5
        while self._pid is not None and time.monotonic() < end:
            if os.waitpid(self._pid, os.WNOHANG)[0]:
                self._pid = None
            else:
                time.sleep(0.01)
        if self._pid is not None:
            signal_if_there(self._pid, signal.SIGKILL)


def record(parent: int, path: str, request: dict, gpus: List[int], stop: int) -> None:
    """In the child; never returns."""
    status = 1
    try:
        default_signals()
        die_with(parent)
        append_samples(path, request, gpus, stop)
        status = 0
    except DiskFull:
        status = DISK_FULL_STATUS
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def append_samples(path: str, request: dict, gpus: List[int], stop: int) -> None:
    """Until `stop` is closed. A line of text on it is a mark."""
    cut_torn_line(path)
    last = last_of_stream(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    writing = threading.Lock()

    def write(line: dict) -> None:
        # No fsync a line: a machine that stops loses a second of telemetry, never a result.
        with writing:
            append_line(descriptor, encode(line), path, durable=False)

    thread = SamplingThread(request, gpus or None, write, last)
    control = ControlLines(stop, b"", lambda *_: None, thread.mark)
    while True:
        readable = select.select([stop, thread.done], [], [], WATCH_SECONDS)[0]
        if thread.done in readable or (stop in readable and not control.read()):
            break
        thread.watch()
    thread.stop()
    thread.join(STOP_SECONDS)
    os.close(descriptor)


#: Enough for what may follow a record of a tick.
TAIL_BYTES = 1 << 20

#: Lines that tell nothing of where the ticks of a stream stand.
EVENTS = ("mark", "notice", "energy", "power", "processes", "ecc")


def last_of_stream(path: str) -> Optional[dict]:
    """The last header, record or gap; None where there is none."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = max(0, size - TAIL_BYTES)
            file.seek(start)
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    for line in reversed(lines[1 if start else 0 :]):
        if line and (last := parse_line(line, path))["type"] not in [f"telemetry-{event}" for event in EVENTS]:
            return last
    return None
