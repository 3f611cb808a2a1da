"""Holds the run's locks and watches its worker: whatever kills the worker, nothing of the run stays behind."""

import os
import signal
import sys
import traceback
from typing import Callable, Dict, List, NamedTuple, Optional

from .. import PROTOCOL, VERSION
from ..clock import boot_id
from ..errors import AgentError
from ..home import locks_path
from ..locks import PATIENCE_SECONDS, FileLock, lock_gpus
from ..processes import identity
from .continuity import cell_content
from .folder import RunFolder
from .foreign_processes import refuse_foreign
from .journal import Journal, Progress
from .leftovers import end_leftovers
from .slurm.tasks import folder_named
from .worker import Worker


class Resumption(NamedTuple):
    """How a run goes on that was started before."""

    #: In words, what is not as it was; accepted by whoever resumed it.
    changes: List[str]
    #: Whether further ones, which show when an engine says its version, are accepted too.
    accept_changes: bool


class Supervisor:
    """`resumption` is None for a run that starts."""

    def __init__(
        self, folder: RunFolder, request: dict, gpus: List[str], resumption: Optional[Resumption] = None
    ) -> None:
        self._folder = folder
        self._request = request
        self._gpus = gpus
        self._resumption = resumption
        self._locks: List[FileLock] = []
        #: How long those are waited for who hold the locks.
        self.patience_seconds = PATIENCE_SECONDS
        self.make_worker: Callable[..., Worker] = Worker

    def begin(self) -> None:
        """Takes the locks, ends what an earlier attempt left, writes the first record."""
        folder = self._folder
        lock = FileLock(folder.lock_path)
        if not lock.take(self.patience_seconds):
            raise AgentError("run-active", f"The run {folder.run} is still going on. Follow it, or cancel it first.")
        gpus = lock_gpus(locks_path(folder.home), self._gpus, self.patience_seconds)
        self._locks = [lock, *gpus]
        # A run that was killed together with its supervisor may have left an engine on a GPU that is ours now.
        for run in {folder.run, *(gpu.holder().get("run", folder.run) for gpu in gpus)}:
            end_leftovers(folder if run == folder.run else folder_named(folder.home, run))
        self._refuse_foreign_processes()
        for gpu in gpus:
            gpu.write_holder({"run": folder.run, "pid": os.getpid()})
        folder.note_processes(supervisor=identity(os.getpid()), worker=None, engine=None)
        self._journal = self._open_journal()
        self._note_beginning()

    def _open_journal(self) -> Journal:
        return Journal(self._folder.path)

    def _note_beginning(self) -> None:
        cells = self._request["cells"]
        if self._resumption is not None and self._journal.has_records:
            self._note_resumption(cells, self._resumption)
        else:
            self._journal.append("run-started", **first_words(self._folder.run, self._request))

    def _refuse_foreign_processes(self) -> None:
        """Now and not with the first engine: whoever starts a run is still there to be told."""
        starts = [cell for cell in self._request["cells"] if cell["engine"]["kind"] == "command"]
        used = {gpu for cell in starts for gpu in cell.get("gpus") or self._request["gpus"]}
        refuse_foreign(sorted(used), bool(self._request.get("allowForeignProcesses")))

    def _note_resumption(self, cells: List[dict], resumption: Resumption) -> None:
        progress = Progress(self._folder.path, cells)
        remaining = len(cells) - len(progress.settled)
        self._journal.append("run-resumed", bootId=boot_id(), remaining=remaining)
        if progress.boot_id is not None and progress.boot_id != boot_id():
            self._journal.append("host-rebooted", previousBootId=progress.boot_id)
        self._note_torn_line()
        for change in resumption.changes:
            self._warn(f"Resumed all the same: since the run started, {change}.")

    def _note_torn_line(self) -> None:
        torn = self._journal.torn_bytes
        if torn:
            self._warn(f"The journal ended in a torn line; its {torn} bytes were cut off.")

    def _warn(self, message: str) -> None:
        self._journal.append("warning", message=message)

    def supervise(self) -> int:
        """Until the worker has ended. Returns its exit status; 1 where it was killed."""
        # The write end is ours alone: when we are gone, however, the worker reads the end of it.
        accept_changes = self._resumption is not None and self._resumption.accept_changes
        lifeline, held = os.pipe()
        worker = os.fork()
        if worker == 0:
            os.close(held)
            status = 1
            try:
                status = self.make_worker(self._folder, self._request, self._journal, lifeline, accept_changes).work()
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        os.close(lifeline)
        self._journal.close()

        def pass_on(number: int, _frame: object) -> None:
            os.kill(worker, number)

        signal.signal(signal.SIGTERM, pass_on)
        signal.signal(signal.SIGINT, pass_on)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        _, raw = os.waitpid(worker, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        end_leftovers(self._folder)
        return os.WEXITSTATUS(raw) if os.WIFEXITED(raw) else 1


def first_words(run: str, request: dict) -> Dict[str, object]:
    """Fields of `run-started`."""
    return {
        "run": run,
        "name": request["name"],
        "simulated": request["simulated"],
        "agentVersion": VERSION,
        "protocol": PROTOCOL,
        "bootId": boot_id(),
        "cells": [
            {"id": cell["id"], "label": cell["label"], "content": cell_content(cell)} for cell in request["cells"]
        ],
    }
