"""Locks that the kernel lets go of when their holder ends, however it ends."""

import fcntl
import json
import os
import time
from typing import List, Optional

from .errors import AgentError, raise_if_full

#: Whoever only looks (`is_locked`) holds a shared lock for microseconds; taking one waits that out.
PATIENCE_SECONDS = 1.0

#: Between two tries of one who waits for long: each may ask a file server.
MOST_PAUSE_SECONDS = 0.25


class FileLock:
    """An exclusive flock. What its file says about the holder is for messages; the lock alone counts."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise_if_full(error, path)
            raise

    def take(self, patience: float = PATIENCE_SECONDS) -> bool:
        end = time.monotonic() + patience
        pause = 0.01
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= end:
                    return False
                time.sleep(pause)
                pause = min(2 * pause, MOST_PAUSE_SECONDS)

    def holder(self) -> dict:
        """Of the one who holds it, or who held it last."""
        try:
            return json.loads(os.pread(self.descriptor, 4096, 0).decode())
        except ValueError:
            return {}

    def write_holder(self, about: dict) -> None:
        try:
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, json.dumps(about).encode(), 0)
        except OSError as error:
            raise_if_full(error, self.path)
            raise

    def close(self) -> None:
        """Lets go, unless a forked process still holds it."""
        os.close(self.descriptor)


def is_locked(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def lock_gpus(folder: str, names: List[str], patience: float = PATIENCE_SECONDS) -> List[FileLock]:
    """One lock a GPU, all or none. Their holders' names stay those of before, until `write_holder`."""
    held: List[FileLock] = []
    for name in sorted(names):
        lock = FileLock(os.path.join(folder, f"gpu-{name}.lock"))
        if not lock.take(patience):
            holder = lock.holder()
            for taken in held + [lock]:
                taken.close()
            raise AgentError("gpu-locked", locked_message(name, holder))
        held.append(lock)
    return held


def locked_message(name: str, holder: dict) -> str:
    gpu = name if name.startswith("GPU-") else f"GPU {name}"
    run: Optional[str] = holder.get("run")
    if run is None:
        return f"{gpu} is held by another run on this host. Wait until it ends."
    return f"{gpu} is held by the run {run} (process {holder.get('pid')}). Wait until it ends, or cancel it."
