"""`run` and `resume` on a login node: the batch script is handed to Slurm, and nothing is left behind."""

import os
import shutil
import sys
from typing import List

from ... import ROOT
from ...clock import boot_id
from ...errors import AgentError
from ...locks import FileLock
from ..continuity import changed_cells, stale
from ..folder import RunFolder
from ..journal import Journal
from ..supervisor import first_words
from .programs import cancel_named, job_name, sbatch_arguments, script, submit
from .place import forget_cancelling
from .queue import look
from .tasks import groups_of, remaining_cells, unfinished

#: The run's own copy: a newer Loadline may tidy the other one away while the jobs wait.
AGENT = "loadline-agent.pyz"

def submit_run(request: dict, environment: dict) -> dict:
    """`environment`: of environment.json, with the login node as its host."""
    folder = RunFolder.create(request)
    try:
        folder.write_json("environment.json", environment)
        if os.path.isfile(ROOT):
            shutil.copyfile(ROOT, folder.file(AGENT))
        return hand_over(folder, request, list(range(len(groups_of(request)))), resumed=False)
    except AgentError:
        # Slurm may have taken it although it did not answer.
        give_up(folder)
        folder.remove()
        raise


def resume_run(folder: RunFolder, request: dict, accept_changes: bool) -> dict:
    if look(folder, request) == "running":
        raise AgentError("run-active", f"The run {folder.run} is still going on. Follow it, or cancel it first.")
    tasks = unfinished(folder, request)
    if not tasks:
        raise AgentError(
            "nothing-to-resume", f"All {len(request['cells'])} cells of the run {folder.run} have their result."
        )
    changes = changed_cells(folder.path, request["cells"])
    if changes and not accept_changes:
        raise stale(folder.run, changes)
    forget_cancelling(folder)
    folder.renew_lease()
    folder.clear_notice()
    return hand_over(folder, request, tasks, resumed=True)


def hand_over(folder: RunFolder, request: dict, tasks: List[int], resumed: bool) -> dict:
    lock = FileLock(folder.file("queue"))
    try:
        if not lock.take():
            raise AgentError("run-active", f"Somebody else works on the run {folder.run} just now. Try again.")
        journal = Journal(folder.path)
        try:
            write_beginning(folder, request, journal, resumed)
            name = job_name(folder.run, folder.path)
            argv = sbatch_arguments(request["scheduler"], len(request["gpus"]), name, folder.path, tasks)
            job = submit(argv, batch_script(folder))
            journal.append("job-submitted", jobId=job, tasks=len(tasks), command=argv)
            for task in tasks:
                journal.append("job-state", jobId=job, task=task, state="PENDING", reason=None)
        finally:
            journal.close()
    finally:
        lock.close()
    return {"type": "run-accepted", "run": folder.run, "directory": folder.path, "pid": os.getpid()}


def write_beginning(folder: RunFolder, request: dict, journal: Journal, resumed: bool) -> None:
    if resumed and journal.has_records:
        remaining = sum(left for _, left in remaining_cells(folder, request))
        journal.append("run-resumed", bootId=boot_id(), remaining=remaining)
        return
    journal.append("run-started", **first_words(folder.run, request))


def batch_script(folder: RunFolder) -> bytes:
    """The same agent, in the job: the file system is shared, and so is what runs on it."""
    own = folder.file(AGENT)
    agent = own if os.path.exists(own) else ROOT
    return script(
        [
            ["export", f"LOADLINE_HOME={folder.home}"],
            ["exec", sys.executable, agent, "slurm-task", folder.run],
        ]
    )


def give_up(folder: RunFolder) -> None:
    try:
        cancel_named(job_name(folder.run, folder.path))
    except AgentError:
        # It was this that did not answer.
        return
