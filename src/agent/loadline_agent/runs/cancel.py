"""The `cancel` verb: returns when nothing of the run is left, whatever state it was found in."""

import signal
import time

from ..engines.kind import STOPPING
from ..errors import AgentError
from ..locks import FileLock, is_locked
from ..processes import is_alive, signal_if_there
from .folder import RunFolder
from .journal import FILE, Journal, last_line
from .leftovers import end_leftovers
from .slurm.cancel import cancel_slurm_run

#: The engine's own time to stop, and some for the worker.
POLITE_SECONDS = sum(seconds for _, seconds in STOPPING) + 10

KILLED_SECONDS = 20


def cancel_run(run: str) -> dict:
    folder = RunFolder.find(run)
    request = folder.request()
    if request.get("scheduler"):
        return cancel_slurm_run(folder, request)
    # Its supervisor passes the signal on; where that is gone, its worker is on its way out.
    known = folder.processes().get("supervisor")
    if known and is_alive(known):
        signal_if_there(known["pid"], signal.SIGTERM)
    if not wait_unlocked(folder, POLITE_SECONDS):
        kill(folder)
    lock = FileLock(folder.lock_path)
    try:
        if not lock.take():
            raise AgentError(
                "run-active", f"The run {run} was started again while it was cancelled. Cancel it once more."
            )
        end_leftovers(folder)
        last = last_line(folder.file(FILE))
        if last is None or last["type"] != "run-finished":
            journal = Journal(folder.path)
            journal.append("run-finished", outcome="cancelled", message="Cancelled while it was not running.")
            journal.close()
        folder.clear_notice()
    finally:
        lock.close()
    return {"type": "cancelled", "run": run}


def kill(folder: RunFolder) -> None:
    for name in ("supervisor", "worker"):
        known = folder.processes().get(name)
        if known and is_alive(known):
            signal_if_there(known["pid"], signal.SIGKILL)
    if not wait_unlocked(folder, KILLED_SECONDS):
        raise AgentError(
            "stuck",
            f"The run {folder.run} does not end (a driver that hangs?). Its processes are in {folder.file('processes.json')}.",
        )


def wait_unlocked(folder: RunFolder, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while is_locked(folder.lock_path):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
