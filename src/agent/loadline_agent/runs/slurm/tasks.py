"""The array tasks of a run: which cells each has, and where in the run folder it writes."""

import os
from typing import Dict, Iterator, List, Optional, Tuple

from ..folder import NOTICE_BYTES, RunFolder
from ..journal import Journal, Progress

#: Of the run, not of one task: who follows it renews one lease for all.
SHARED = ("lease",)


def groups_of(request: dict) -> List[List[dict]]:
    """Cells of each task, in the run's order: all of an engine start, and all among which one search chooses."""
    owner: Dict[str, int] = {}
    for index, cell in enumerate(request["cells"]):
        owner[cell["id"]] = index
    ties: List[List[str]] = [list(search["cells"]) for search in request.get("searches") or []]
    by_engine: Dict[str, List[str]] = {}
    for cell in request["cells"]:
        by_engine.setdefault(cell["engineKey"], []).append(cell["id"])
    for tied in [*by_engine.values(), *ties]:
        numbers = {owner[cell] for cell in tied}
        least = min(numbers)
        owner = {cell: least if number in numbers else number for cell, number in owner.items()}
    groups: Dict[int, List[dict]] = {}
    for cell in request["cells"]:
        groups.setdefault(owner[cell["id"]], []).append(cell)
    return [groups[number] for number in sorted(groups)]


class TaskFolder(RunFolder):
    """`task-<n>` in the run folder: what a run has, for one task. Its name marks its engines, as a node may have several tasks."""

    def __init__(self, run: RunFolder, task: int) -> None:
        super().__init__(run.home, f"{run.run}.task-{task}")
        self.task = task
        self.path = os.path.join(run.path, f"task-{task}")
        self.whole = run

    def ensure(self) -> None:
        os.makedirs(self.path, 0o700, exist_ok=True)
        if not os.path.exists(self.file("notice")):
            self.write("notice", b" " * NOTICE_BYTES)

    def file(self, name: str) -> str:
        return self.whole.file(name) if name in SHARED else super().file(name)

    @staticmethod
    def all_of(run: RunFolder) -> "List[TaskFolder]":
        names = [name[5:] for name in os.listdir(run.path) if name.startswith("task-") and name[5:].isdigit()]
        return [TaskFolder(run, task) for task in sorted(map(int, names))]


def folder_named(home: str, name: str) -> RunFolder:
    """Of a run, or of one task: `<run>.task-<n>` where there is such a run."""
    run, _, task = name.rpartition(".task-")
    whole = RunFolder(home, run)
    if run and task.isdigit() and os.path.isdir(whole.path):
        return TaskFolder(whole, int(task))
    return RunFolder(home, name)


class TaskJournal(Journal):
    """Every record says whose it is: tasks count for themselves."""

    def __init__(self, folder: TaskFolder) -> None:
        super().__init__(folder.path)
        self._part = folder.task

    def append(self, record_type: str, **fields: object) -> None:
        super().append(record_type, part=self._part, **fields)


def unfinished(run: RunFolder, request: dict) -> List[int]:
    """Tasks that have cells without a result."""
    return [task for task, left in remaining_cells(run, request) if left]


def settled_cells(run: RunFolder, request: dict) -> int:
    return len(request["cells"]) - sum(left for _, left in remaining_cells(run, request))


def remaining_cells(run: RunFolder, request: dict) -> Iterator[Tuple[int, int]]:
    for task, cells in enumerate(groups_of(request)):
        progress = Progress(TaskFolder(run, task).path, cells)
        yield task, sum(cell["id"] not in progress.settled for cell in cells)


def task_request(request: dict, task: int, gpus: List[int]) -> dict:
    """The request as if these cells were all of it. The job's GPUs stand in for those that the plan counts from 0."""
    cells = groups_of(request)[task]
    mapped = dict(zip(request["gpus"], gpus))
    known = {cell["id"] for cell in cells}
    searches = [search for search in request.get("searches") or [] if set(search["cells"]) <= known]
    own = {key: value for key, value in request.items() if key not in ("scheduler", "searches")}
    if searches:
        own["searches"] = searches
    own["gpus"] = [mapped[gpu] for gpu in request["gpus"]]
    own["cells"] = [
        {**cell, "gpus": [mapped[gpu] for gpu in cell["gpus"]]} if cell.get("gpus") is not None else cell
        for cell in cells
    ]
    return own


def wire_name(task: int, name: str) -> Optional[str]:
    """`journal.jsonl` of task 3 is `journal-3.jsonl` for those who follow; None for what is not followed."""
    stem, dot, ending = name.partition(".")
    if name in ("journal.jsonl", "telemetry.jsonl", "metrics.jsonl", "environment.json"):
        return f"{stem}-{task}{dot}{ending}"
    return name if stem.startswith("engine-") and name.endswith(".log") else None
