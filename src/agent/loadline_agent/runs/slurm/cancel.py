"""`cancel` on a login node: returns when Slurm has nothing of the run any more."""

import time

from ...errors import AgentError
from ...locks import FileLock
from ..folder import RunFolder
from ..journal import Journal
from .programs import cancel_named, job_name, rows_named
from .place import forget_cancelling, note_cancelling
from .queue import Book, look

#: Slurm gives a task its KillWait (30 s where the site leaves it) and then some to clean up.
SECONDS = 240

LOOK_SECONDS = 0.5


def cancel_slurm_run(folder: RunFolder, request: dict) -> dict:
    name = job_name(folder.run, folder.path)
    # First, so that a task which is told to end knows why.
    note_cancelling(folder)
    try:
        cancel_named(name)
    except AgentError:
        # The jobs go on, and whoever asked is told.
        forget_cancelling(folder)
        raise
    end = time.monotonic() + SECONDS
    while rows_named(name, every_state=False):
        if time.monotonic() > end:
            raise AgentError(
                "stuck",
                f"Slurm still has jobs of the run {folder.run} after {SECONDS} s; see `squeue --name={name}`.",
            )
        time.sleep(LOOK_SECONDS)
    look(folder, request)
    lock = FileLock(folder.file("queue"))
    try:
        if not lock.take():
            raise AgentError("run-active", f"Somebody else works on the run {folder.run} just now. Cancel it again.")
        if not Book(folder).finished:
            journal = Journal(folder.path)
            journal.append("run-finished", outcome="cancelled", message="Cancelled.")
            journal.close()
        folder.clear_notice()
    finally:
        lock.close()
    return {"type": "cancelled", "run": folder.run}
