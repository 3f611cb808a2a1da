"""Does the work of a run, cell by cell, and writes its journal. One thread; whatever may block is in a process of its own."""

import os
import time
import traceback
from typing import Optional, Tuple

from ..engines.failure import Diagnosis
from ..errors import AgentError
from ..processes import identity
from .continuity import EngineVersions, stale
from .engine import Engine
from .folder import RunFolder
from .instance import EngineFailed
from .journal import Journal, Progress
from .lifecycle import CellEngines
from .load import EngineGone, GeneratorGone, LoadFailed, measure
from .searching import Searches, next_trial
from .telemetry import Telemetry
from .watch import RunEnded, SupervisorLost, Watch


class KilledFromOutside(Exception):
    """By SIGKILL, which nothing of the run sent."""


class StaleRun(Exception):
    """What would be measured now does not compare with what was."""


class Worker:
    def __init__(
        self, folder: RunFolder, request: dict, journal: Journal, lifeline: int, accept_changes: bool = False
    ) -> None:
        self._folder = folder
        self._request = request
        self._journal = journal
        self._watch = Watch(folder, lifeline, request["leaseSeconds"])
        self._telemetry: Optional[Telemetry] = None
        self._progress = Progress(folder.path, request["cells"])
        self._accept_changes = accept_changes
        self._versions = EngineVersions(folder.path)
        #: Cells of the grid that failed in this attempt: who resumes wants it to go on.
        self._failures = 0
        self._searches = Searches(folder.path, request)
        self._engines = CellEngines(folder, request, journal, self._watch, self._progress.engine_failures)

    def work(self) -> int:
        """Returns the process's exit status."""
        self._folder.note_processes(worker=identity(os.getpid()))
        try:
            outcome, message = self._all_cells()
            self._engines.stop(cancelled=outcome == "cancelled")
            self._stop_telemetry()
            return self._finish(outcome, message)
        except SupervisorLost:
            self._end_quietly()
            return 1
        except AgentError as error:
            # A full disk, as a rule: the journal cannot take it, the space that was set aside can.
            self._end_quietly()
            self._folder.leave_notice(error.record())
            return 1
        except Exception as error:
            traceback.print_exc()
            self._end_quietly()
            message = f"The agent failed: {type(error).__name__}: {error}. See {self._folder.file('supervisor.log')} on the host."
            return self._finish("failed", message)

    def _finish(self, outcome: str, message: Optional[str]) -> int:
        """Writes the run's last word. Returns the process's exit status."""
        self._journal.append("run-finished", outcome=outcome, message=message)
        return 1 if outcome == "failed" else 0

    def _all_cells(self) -> Tuple[str, Optional[str]]:
        try:
            self._start_telemetry()
            for cell in self._request["cells"]:
                if self._has_failed_enough():
                    return "failed", f"{self._failures} cells have failed, and the plan ends the run there (stop.failures)."
                if self._searches.covers(cell["id"]):
                    self._searches.run(cell["id"], self._cell, self._journal.append)
                elif cell["id"] not in self._progress.settled:
                    self._cell(cell)
            return "completed", None
        except RunEnded as ended:
            return "cancelled", ended.message
        except StaleRun as changed:
            return "failed", str(changed)

    def _has_failed_enough(self) -> bool:
        most = self._request.get("mostFailures")
        return most is not None and self._failures >= most

    # Cells

    def _cell(self, cell: dict) -> None:
        """What is killed from outside says nothing of the cell: it is run once more."""
        try:
            self._attempt(cell)
        except KilledFromOutside as killed:
            self._watch.end_if_told()
            self._engines.stop()
            self._journal.append("warning", message=f"{cell['label']}: {killed} The cell is run once more.")
            self._attempt(cell, last=True)

    def _attempt(self, cell: dict, last: bool = False) -> None:
        if self._next_trial(cell) is None:
            # Interrupted between its last trial and the word that it is done: it needs no engine any more.
            self._journal.append("cell-done", cell=cell["id"])
            return
        try:
            engine = self._engines.for_cell(cell)
        except EngineFailed as failed:
            self._watch.end_if_told()
            self._fail(cell, failed.phase, failed.diagnosis)
            return
        self._check_version(cell["engineKey"], engine.instances[0].version)
        started = time.monotonic()
        try:
            while (trial := self._next_trial(cell)) is not None:
                self._trial(cell, trial, engine, started + cell["deadlineSeconds"])
        except GeneratorGone as gone:
            if not last:
                raise KilledFromOutside("Its load generator was killed.") from gone
            self._fail(cell, gone.phase, Diagnosis(gone.kind, gone.message, []))
        except LoadFailed as failed:
            self._watch.end_if_told()
            message = failed.message
            if failed.kind == "timeout":
                message = f"Ended after {time.monotonic() - started:.0f} s: {cell['expectedSeconds']:.0f} s were expected, {cell['deadlineSeconds']:.0f} s allowed. {message}"
            self._fail(cell, failed.phase, Diagnosis(failed.kind, message, engine.log_tail()))
        except EngineGone as gone:
            self._watch.end_if_told()
            diagnosis = engine.failure(gone.phase).diagnosis
            if diagnosis.kind == "killed" and not last:
                raise KilledFromOutside("Its engine was killed under load.") from gone
            self._fail(cell, gone.phase, diagnosis)
            self._engines.stop()
        else:
            self._journal.append("cell-done", cell=cell["id"])

    def _next_trial(self, cell: dict) -> Optional[int]:
        return next_trial(cell, lambda trial: (cell["id"], trial) in self._progress.measured, self._searches)

    def _trial(self, cell: dict, trial: int, engine: Engine, deadline: float) -> None:
        identity_of_cell = cell["id"]
        self._journal.append("cell-started", cell=identity_of_cell, trial=trial)

        def on_progress(phase: str, completed: int, total: int) -> None:
            self._journal.append(
                "cell-progress", cell=identity_of_cell, trial=trial, phase=phase, completed=completed, total=total
            )

        self._mark(f"cell {identity_of_cell}, trial {trial}: start")
        with self._engines.measuring(cell["label"]):
            measurement = measure(
                self._watch, engine.targets(), engine.load_of(cell["load"]), deadline, on_progress, engine.ended
            )
        self._mark(f"cell {identity_of_cell}, trial {trial}: end")
        self._journal.append(
            "trial-measured", cell=identity_of_cell, trial=trial, simulated=engine.simulated, measurement=measurement
        )
        self._progress.measured.add((identity_of_cell, trial))

    def _check_version(self, key: str, version: Optional[str]) -> None:
        change = self._versions.change(key, version)
        if change is None:
            return
        if not self._accept_changes:
            raise StaleRun(str(stale(self._folder.run, [change])))
        self._versions.accept(key, version)
        self._journal.append("warning", message=f"Resumed all the same: since the run started, {change}.")

    def _fail(self, cell: dict, phase: str, diagnosis: Diagnosis) -> None:
        self._journal.append(
            "cell-failed",
            cell=cell["id"],
            phase=phase,
            **diagnosis.fields(),
        )
        # A search fails on purpose.
        if not self._searches.covers(cell["id"]):
            self._failures += 1

    # Telemetry

    def _start_telemetry(self) -> None:
        request = self._request["telemetry"]
        if request is not None:
            self._telemetry = Telemetry(self._folder, request, self._request["gpus"])
            self._watch.others.append(self._check_telemetry)

    def _mark(self, text: str) -> None:
        if self._telemetry is not None:
            self._telemetry.mark(text)

    def _check_telemetry(self) -> None:
        trouble = self._telemetry.check() if self._telemetry else None
        if trouble:
            self._journal.append("warning", message=trouble)

    def _stop_telemetry(self) -> None:
        telemetry, self._telemetry = self._telemetry, None
        if telemetry is not None:
            telemetry.stop()

    # End

    def _end_quietly(self) -> None:
        """Leaves no process behind and writes nothing."""
        self._engines.stop(quietly=True)
        self._stop_telemetry()
