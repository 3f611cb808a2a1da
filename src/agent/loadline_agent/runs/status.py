"""The `runs` verb."""

from typing import Iterator

from ..errors import AgentError
from ..locks import is_locked
from .folder import RunFolder
from .journal import Progress
from .slurm.queue import look
from .slurm.tasks import settled_cells


def all_statuses() -> Iterator[dict]:
    for folder in RunFolder.all():
        try:
            yield status(folder)
        except Exception as error:
            # Whatever is wrong with one folder, the others are told of.
            yield damaged(folder, error)


def status(folder: RunFolder) -> dict:
    request = folder.request()
    scheduled = bool(request.get("scheduler"))
    return {
        "type": "run-status",
        "run": folder.run,
        "name": request["name"],
        "state": look(folder, request) if scheduled else folder.state(),
        "simulated": request["simulated"],
        "cellsDone": settled_cells(folder, request)
        if scheduled
        else len(Progress(folder.path, request["cells"]).settled),
        "cellsTotal": len(request["cells"]),
        "directory": folder.path,
    }


def damaged(folder: RunFolder, error: Exception) -> dict:
    reason = str(error) if isinstance(error, AgentError) else f"{type(error).__name__}: {error}"
    return {
        "type": "run-status",
        "run": folder.run,
        "name": folder.run,
        "state": "running" if is_locked(folder.lock_path) else "interrupted",
        "simulated": False,
        "cellsDone": 0,
        "cellsTotal": 0,
        "directory": folder.path,
        "problem": f"The run's folder cannot be read: {reason}",
    }
