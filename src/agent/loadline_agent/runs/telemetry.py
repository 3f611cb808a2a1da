"""telemetry.jsonl of a run, written by a process of its own from the first engine's start to the last one's end."""

import os
import select
import signal
import time
import traceback
from typing import Callable, List, Optional

from ..devices import open_device
from ..errors import AgentError, DiskFull
from ..processes import default_signals, die_with, signal_if_there
from ..sampler import Sampler
from ..wire import encode
from .folder import RunFolder
from .journal import append_line, cut_torn_line, last_line

FILE = "telemetry.jsonl"
DISK_FULL_STATUS = 28


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
        append_samples(path, request, gpus, lambda seconds: bool(select.select([stop], [], [], max(0.0, seconds))[0]))
        status = 0
    except DiskFull:
        status = DISK_FULL_STATUS
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def append_samples(path: str, request: dict, gpus: List[int], stopped: Callable[[float], bool]) -> None:
    cut_torn_line(path)
    last = last_line(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    device = open_device(request["device"], gpus or None)
    try:
        # No fsync a line: a machine that stops loses a second of telemetry, never a result.
        sampler = Sampler(
            device,
            request["intervalMs"],
            lambda line: append_line(descriptor, encode(line), path, durable=False),
            stopped,
        )
        sampler.begin(last)
        sampler.run()
    finally:
        device.close()
        os.close(descriptor)
