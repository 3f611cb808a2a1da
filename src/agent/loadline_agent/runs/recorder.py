"""A process beside the worker that appends to one file of the run folder, and ends with its pipe."""

import os
import signal
import traceback
from typing import Callable, Optional

from ..errors import AgentError, DiskFull
from ..processes import child_ended, default_signals, die_with, signal_if_there

DISK_FULL_STATUS = 28
STOP_SECONDS = 5.0
#: For one that was killed; one that hangs in the driver is left to the system.
KILLED_SECONDS = 0.5


class Recorder:
    """`append(stop)` runs in the process, until the descriptor `stop` ends. `ended`: what to say where it ends before."""

    def __init__(self, path: str, ended: str, append: Callable[[int], None]) -> None:
        self._path = path
        self._ended = ended
        reading, self._held = os.pipe()
        parent = os.getpid()
        self._pid: Optional[int] = os.fork()
        if self._pid == 0:
            os.close(self._held)
            become(parent, append, reading)
        os.close(reading)

    def tell(self, data: bytes) -> None:
        try:
            os.write(self._held, data)
        except OSError:
            # It has ended; `check` says so.
            pass

    def check(self) -> Optional[str]:
        """Once, why nothing more will be recorded; None while it goes on. A full disk raises."""
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
        return self._ended

    def stop(self) -> None:
        os.close(self._held)
        if self._pid is not None and not child_ended(self._pid, STOP_SECONDS):
            signal_if_there(self._pid, signal.SIGKILL)
            # A process that the kernel holds up stays behind.
            child_ended(self._pid, KILLED_SECONDS)
        self._pid = None


def become(parent: int, append: Callable[[int], None], stop: int) -> None:
    """In the child; never returns."""
    status = 1
    try:
        default_signals()
        die_with(parent)
        append(stop)
        status = 0
    except DiskFull:
        status = DISK_FULL_STATUS
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
