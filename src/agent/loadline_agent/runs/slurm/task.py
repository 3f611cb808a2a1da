"""The `slurm-task` verb, inside a job: one array task works on its group of cells, as a run of its own in `task-<n>`."""

import functools
import os
import signal
import sys
import traceback
from typing import Dict, List, Optional, Tuple

from ...errors import AgentError
from ..folder import RunFolder
from ..journal import Journal, Progress
from ..supervisor import Supervisor
from ..worker import Worker
from .again import patiently, queue_again, restarts_of
from .place import Place, is_cancelled, place_of
from .programs import fields_of
from .tasks import TaskFolder, TaskJournal, groups_of, task_request

#: Of a worker that asks for its job to be queued again (EX_TEMPFAIL of sysexits.h).
AGAIN_STATUS = 75

#: How long those may take to end who had this task, or its GPUs, before: on a node that Slurm lost sight of they still work.
ENDING_SECONDS = 120.0


def run_task(run: str) -> int:
    """Exit status of the job."""
    folder = RunFolder.find(run)
    place = place_of(dict(os.environ))
    own = TaskFolder(folder, place.task)
    own.ensure()
    if is_cancelled(folder):
        say(own, place, "CANCELLED", "Cancelled.")
        return 1
    try:
        supervisor = prepared(folder, own, place)
        supervisor.begin()
    except AgentError as error:
        say_failed(own, place, error)
        raise
    status = supervisor.supervise()
    if status != AGAIN_STATUS:
        return status
    try:
        queue_again(folder, place)
        return 0
    except AgentError as error:
        say_failed(own, place, error)
        raise


def prepared(folder: RunFolder, own: TaskFolder, place: Place) -> "TaskSupervisor":
    from ..start import environment, facts_for, gpu_lock_names

    request = folder.request()
    if place.task >= len(groups_of(request)):
        raise AgentError("bad-request", f"The run {folder.run} has no task {place.task}.")
    host = facts_for(request)
    gpus = gpus_of_job(request, dict(os.environ), host)
    mine = task_request(request, place.task, gpus)
    if not os.path.exists(own.file("environment.json")):
        own.write_json("environment.json", environment(request, host))
    return TaskSupervisor(own, mine, gpu_lock_names(mine, host), place)


def gpus_of_job(request: dict, environment: Dict[str, str], host: dict) -> List[int]:
    """Indices of the GPUs that Slurm gave to the job, as many as the plan counts."""
    wanted = len(request["gpus"])
    given = job_gpus(environment)
    if given is None or wanted == 0:
        # No generic resources here: the node's GPUs are all the job's.
        return list(request["gpus"])
    if len(given) < wanted:
        raise AgentError(
            "no-gpu",
            f"The job has {len(given)} GPUs, the plan needs {wanted}: ask for them in `gres`, as gpu:{wanted}.",
        )
    return [index_of(word, host) for word in given[:wanted]]


def job_gpus(environment: Dict[str, str]) -> Optional[List[str]]:
    """Numbers or uuids as CUDA takes them; None where Slurm says nothing of GPUs."""
    given = environment.get("CUDA_VISIBLE_DEVICES") or environment.get("SLURM_JOB_GPUS")
    if given is None or given == "NoDevFiles":
        return None
    return [word.strip() for word in given.split(",") if word.strip()]


def index_of(word: str, host: dict) -> int:
    if word.isdigit():
        return int(word)
    for gpu in host.get("gpus", []):
        if gpu["uuid"].startswith(word):
            return gpu["index"]
    raise AgentError("no-gpu", f"Slurm gave the GPU {word} to the job, and this node's driver does not show it.")


def say_failed(own: TaskFolder, place: Place, error: AgentError) -> None:
    """In the task's journal, unless somebody else is writing it: then the job's own output has it."""
    if error.code == "run-active":
        return
    say(own, place, "FAILED", str(error))


def say(own: TaskFolder, place: Place, state: str, reason: str) -> None:
    journal = TaskJournal(own)
    journal.append("job-state", jobId=place.array, task=place.task, state=state, reason=reason)
    journal.close()


class TaskSupervisor(Supervisor):
    def __init__(self, own: TaskFolder, request: dict, gpus: List[str], place: Place) -> None:
        super().__init__(own, request, gpus)
        self._own = own
        self._place = place
        self.patience_seconds = ENDING_SECONDS
        self.make_worker = functools.partial(TaskWorker, place)

    def _open_journal(self) -> Journal:
        return TaskJournal(self._own)

    def _note_beginning(self) -> None:
        place, journal = self._place, self._journal
        again = f", started again ({place.restarts})" if place.restarts else ""
        journal.append(
            "job-state", jobId=place.array, task=place.task, state="RUNNING", reason=f"on {place.node}{again}"
        )
        self._note_torn_line()
        gpus = len(self._request["gpus"])
        if place.cores is not None and place.cores <= gpus:
            journal.append(
                "warning",
                message=f"The job has {place.cores} CPU core(s) for {gpus} GPU(s) and the load generator: the measured rates may be those of the cores. Ask for more with `cpus` in the plan's `scheduler`.",
            )


class TaskWorker(Worker):
    def __init__(
        self,
        place: Place,
        folder: TaskFolder,
        request: dict,
        journal: Journal,
        lifeline: int,
        accept_changes: bool = False,
    ) -> None:
        super().__init__(folder, request, journal, lifeline, accept_changes)
        self._run = folder.whole
        self._place = place
        self._done_before = self._done()

    def _done(self) -> int:
        progress = Progress(self._folder.path, self._request["cells"])
        return len(progress.measured) + len(progress.settled)

    def _finish(self, outcome: str, message: Optional[str]) -> int:
        """The run's own end is for the login node to say: other tasks go on."""
        status = 0
        if outcome == "completed":
            state, reason = "COMPLETED", None
        elif outcome == "cancelled" and self._watch.cancelled:
            state, reason, status = self._why_told_to_end()
        else:
            state, reason, status = ("FAILED" if outcome == "failed" else "STOPPED"), message, 1
        self._journal.append("job-state", jobId=self._place.array, task=self._place.task, state=state, reason=reason)
        return status

    def _why_told_to_end(self) -> Tuple[str, str, int]:
        """(state, reason, exit status). Slurm's signal is the same for all that it may mean."""
        # Slurm says it to all processes of a job, as often as it likes: those that are asked below inherit this.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if is_cancelled(self._run):
            return "CANCELLED", "Cancelled.", 1
        try:
            about = patiently(lambda: fields_of(self._place.name))
        except AgentError as error:
            traceback.print_exc(file=sys.stderr)
            return "STOPPED", f"Slurm ended the job, and why is not known: {error}", 1
        if restarts_of(about) > self._place.restarts:
            return "REQUEUED", "Slurm took the job back (preemption, a node, an operator) and queued it again.", 0
        if about.get("JobState") != "RUNNING":
            return "CANCELLED", "The job was cancelled in Slurm.", 1
        if about.get("PreemptTime", "None") not in ("None", "N/A"):
            return "REQUEUED", "The job is preempted: stopped cleanly and queued again.", AGAIN_STATUS
        limit = about.get("TimeLimit", "its time limit")
        if self._done() > self._done_before:
            return "REQUEUED", f"The time limit ({limit}) is near: stopped cleanly and queued again.", AGAIN_STATUS
        return (
            "TIMEOUT",
            f"Nothing was measured within the time limit ({limit}): raise `time` in the plan's `scheduler`. It is not queued again, as that would go on for ever.",
            1,
        )
