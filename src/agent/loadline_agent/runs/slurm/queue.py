"""How a run's jobs stand in Slurm's queue: asked by those who follow, written into the run's own journal by one of them at a time.

No process is left on the login node for it. What happens while nobody follows is in the journals of the tasks, and the next
who looks finds the rest out from Slurm.
"""

import json
import os
import threading
import time
from typing import Dict, List, NamedTuple, Optional, Tuple

from ...errors import AgentError
from ...locks import FileLock
from ..folder import RunFolder
from ..journal import FILE, Journal, last_line, records
from .programs import JobRow, job_name, rows_named, waiting_before
from .reasons import reason_words
from .tasks import TaskFolder, remaining_cells

#: Clusters ask for few questions: soon after a change, then ever more rarely.
LEAST_SECONDS = 2.0
MOST_SECONDS = 30.0

#: An answer takes a moment. One that takes longer is not waited for: whoever follows wants to hear of the tasks meanwhile.
ANSWER_SECONDS = 0.5

#: How long another follower that asks just now is waited for.
PATIENCE_SECONDS = 0.2

TASK_LOOK_SECONDS = 1.0

#: States after which a task does nothing more. ENDED is ours: gone from the queue, and Slurm does not say how.
OVER = (
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "ENDED",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "STOPPED",
    "TIMEOUT",
)


class TaskState(NamedTuple):
    job: str
    state: str
    reason: Optional[str]


class Book:
    """What the run's own journal says of its jobs. Small: the tasks' results are in journals of their own."""

    def __init__(self, folder: RunFolder) -> None:
        self.jobs: List[str] = []
        self.tasks: Dict[int, TaskState] = {}
        self.whole: Optional[TaskState] = None
        self.last: Optional[dict] = None
        for record in records(folder.path):
            self.last = record
            if record["type"] == "job-submitted":
                self.jobs.append(record["jobId"])
            elif record["type"] == "job-state":
                said = TaskState(record["jobId"], record["state"], record["reason"])
                if record["task"] is None:
                    self.whole = said
                else:
                    self.tasks[record["task"]] = said

    @property
    def finished(self) -> bool:
        return self.last is not None and self.last["type"] == "run-finished"

    @property
    def alive(self) -> bool:
        return any(task.state not in OVER for task in self.tasks.values())

    def state(self) -> str:
        return "finished" if self.finished else "running" if self.alive else "interrupted"


class Queue:
    """Of one who follows."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._request = folder.request()
        self._state = "running"
        self._question: Optional[Question] = None
        self._due = 0.0
        self._changed = time.monotonic()
        self._task_look = 0.0
        self._seen: Dict[int, Tuple[int, int]] = {}
        self._size = -1

    def state(self) -> str:
        """State of the run; asks Slurm when it is time to."""
        now = time.monotonic()
        if now >= self._task_look:
            self._task_look = now + TASK_LOOK_SECONDS
            if self._tasks_said_something():
                self._changed, self._due = now, now
        if now >= self._due and self._question is None:
            self._question = Question(self._folder, self._request)
            self._question.join(ANSWER_SECONDS)
        if self._question is not None and not self._question.is_alive():
            self._state = self._question.answer()
            self._question = None
            size = os.path.getsize(self._folder.file(FILE)) if os.path.exists(self._folder.file(FILE)) else 0
            if size != self._size:
                self._size, self._changed = size, now
            quiet = time.monotonic() - self._changed
            self._due = time.monotonic() + min(MOST_SECONDS, max(LEAST_SECONDS, quiet / 6))
        return self._state

    def _tasks_said_something(self) -> bool:
        """Whether a task wrote that it began or ended: Slurm will say so too, and there is no need to wait long for it."""
        news = False
        for task in TaskFolder.all_of(self._folder):
            path = task.file(FILE)
            size = os.path.getsize(path) if os.path.exists(path) else 0
            before = self._seen.get(task.task, (0, -1))
            if size == before[0]:
                continue
            last = last_line(path)
            said = last["seq"] if last and last["type"] == "job-state" else before[1]
            news = news or said != before[1]
            self._seen[task.task] = (size, said)
        return news


class Question(threading.Thread):
    """One `look`, which a busy controller may keep waiting."""

    def __init__(self, folder: RunFolder, request: dict) -> None:
        # A daemon: what asks for nobody any more ends with its process.
        super().__init__(daemon=True)
        self._folder = folder
        self._request = request
        self._answer = "running"
        self._error: Optional[Exception] = None
        self.start()

    def run(self) -> None:
        try:
            self._answer = look(self._folder, self._request)
        except Exception as error:
            self._error = error

    def answer(self) -> str:
        if self._error is not None:
            raise self._error
        return self._answer


def look(folder: RunFolder, request: dict) -> str:
    """Asks Slurm, writes down what is new, and says how the run stands. While somebody else does that, their word stands."""
    lock = FileLock(folder.file("queue"))
    try:
        if not lock.take(PATIENCE_SECONDS):
            book = Book(folder)
            # Who holds it may be submitting just now.
            return "running" if book.state() == "interrupted" else book.state()
        book = Book(folder)
        if book.finished:
            return "finished"
        journal = Journal(folder.path)
        try:
            return Clerk(folder, request, book, journal).write_down()
        finally:
            journal.close()
    finally:
        lock.close()


class Clerk:
    """Holds the queue's lock."""

    def __init__(self, folder: RunFolder, request: dict, book: Book, journal: Journal) -> None:
        self._folder = folder
        self._request = request
        self._book = book
        self._journal = journal

    def write_down(self) -> str:
        try:
            rows = newest(rows_named(job_name(self._folder.run, self._folder.path)))
        except AgentError as error:
            return self._not_known(error)
        for job in sorted({row.job for row in rows.values()} - set(self._book.jobs), key=int):
            # Submitted by somebody who ended before writing it down.
            count = sum(row.job == job for row in rows.values())
            self._journal.append("job-submitted", jobId=job, tasks=count, command=[])
        remaining = dict(remaining_cells(self._folder, self._request))
        for task, row in rows.items():
            self._say(task, self._state_of(row, remaining.get(task, 0)))
        for task, known in list(self._book.tasks.items()):
            if task not in rows and known.state not in OVER:
                self._say(task, self._vanished(task, known, remaining.get(task, 0)))
        waiting = [row for _, row in sorted(rows.items()) if row.state == "PENDING"]
        if waiting:
            self._say(None, TaskState(waiting[0].job, "PENDING", self._waiting_words(waiting[0])))
        if not self._book.alive:
            return self._settle(sum(remaining.values()))
        whole = self._book.whole
        if whole is not None and whole.state == "UNKNOWN" and not waiting:
            # It answers again, though with nothing new.
            self._say(None, TaskState(whole.job, "RUNNING", None))
        return "running"

    def _say(self, task: Optional[int], now: TaskState) -> None:
        if now == (self._book.whole if task is None else self._book.tasks.get(task)):
            return
        self._journal.append("job-state", jobId=now.job, task=task, state=now.state, reason=now.reason)
        if task is None:
            self._book.whole = now
        else:
            self._book.tasks[task] = now

    def _not_known(self, error: AgentError) -> str:
        """Slurm does not answer: what was known stands, and nothing is called ended for it."""
        job = self._book.jobs[-1] if self._book.jobs else ""
        if self._book.alive:
            self._say(None, TaskState(job, "UNKNOWN", str(error)))
        return self._book.state()

    def _state_of(self, row: JobRow, remaining: int) -> TaskState:
        if row.state == "PENDING":
            return TaskState(row.job, row.state, self._why_again(row) + reason_words(row.reason))
        if row.state == "STOPPED":
            # Slurm's word for a job whose processes somebody stopped; ours for a task that ended before its work was done.
            return TaskState(row.job, "SUSPENDED", f"stopped on {row.nodes}")
        if row.state not in OVER:
            return TaskState(row.job, row.state, f"on {row.nodes}" if row.nodes else None)
        if not remaining:
            return TaskState(row.job, "COMPLETED", None)
        said = self._last_said(row.task, row.job)
        if row.state in ("COMPLETED", "FAILED") and said is not None and said.state in OVER:
            return said
        if row.state == "COMPLETED":
            return TaskState(row.job, "ENDED", f"Slurm calls it completed, and {remaining} of its cells have no result")
        reasons = [] if row.reason == "None" else [reason_words(row.reason)]
        if row.state == "FAILED":
            if said is not None and said.state == "REQUEUED":
                reasons.append("it was to start again, and ended before it began")
            reasons += self._last_words(row.task)
        return TaskState(row.job, row.state, "; ".join(reasons) or None)

    def _last_said(self, task: int, job: str) -> Optional[TaskState]:
        """How the task itself said that this job's last start ended; None where it said nothing of that."""
        folder = TaskFolder(self._folder, task)
        notice = folder.notice()
        if notice:
            return TaskState(job, "FAILED", notice["message"])
        own = last_line(folder.file(FILE))
        if own is None or own["type"] != "job-state" or own["jobId"] != job:
            return None
        return TaskState(job, own["state"], own["reason"])

    def _why_again(self, row: JobRow) -> str:
        said = self._last_said(row.task, row.job)
        return f"{said.reason} " if said is not None and said.state == "REQUEUED" else ""

    def _last_words(self, task: int) -> List[str]:
        """Of the job's own output, where the agent could not say it otherwise."""
        try:
            with open(self._folder.file(f"slurm-{task}.log"), encoding="utf-8", errors="replace") as file:
                lines = [line.strip() for line in file if line.strip()]
        except OSError:
            return []
        return [f"its output ends in: {message_in(lines[-1])[:300]}"] if lines else []

    def _vanished(self, task: int, known: TaskState, remaining: int) -> TaskState:
        """Slurm has forgotten it."""
        if not remaining:
            return TaskState(known.job, "COMPLETED", None)
        said = self._last_said(task, known.job)
        if said is not None and said.state in OVER:
            return said
        return TaskState(known.job, "ENDED", "it is not in the queue any more; `sacct` may say what became of it")

    def _waiting_words(self, row: JobRow) -> str:
        return self._why_again(row) + waiting_words(row)

    def _settle(self, remaining: int) -> str:
        """No task runs or waits any more."""
        if not self._book.tasks and remaining:
            return "interrupted"
        if remaining == 0:
            self._journal.append("run-finished", outcome="completed", message=None)
            return "finished"
        job = self._book.jobs[-1] if self._book.jobs else ""
        words = f"{remaining} of {len(self._request['cells'])} cells have no result: resume submits those again"
        self._say(None, TaskState(job, "ENDED", words))
        return "interrupted"


def message_in(line: str) -> str:
    """Of the record that a verb fails with; other lines are their own message."""
    try:
        return str(json.loads(line)["message"])
    except (ValueError, TypeError, KeyError):
        return line


def newest(rows: List[JobRow]) -> Dict[int, JobRow]:
    """Of each task its latest submission."""
    found: Dict[int, JobRow] = {}
    for row in rows:
        if row.task not in found or int(row.job) >= int(found[row.task].job):
            found[row.task] = row
    return dict(sorted(found.items()))


def waiting_words(row: JobRow) -> str:
    """Reason, place in the queue and expected start, as far as Slurm tells them."""
    parts = [reason_words(row.reason)]
    try:
        before = waiting_before(row)
    except AgentError:
        before = None
    if before is not None:
        parts.append(f"{before} job{'' if before == 1 else 's'} before it in {row.partition}")
    if row.start is not None:
        parts.append(f"expected to start at {row.start[:16].replace('T', ' ')} by Slurm's estimate")
    return "; ".join(parts)
