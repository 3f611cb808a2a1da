"""The `runs` verb."""

from typing import Iterator

from .folder import RunFolder
from .journal import Progress


def all_statuses() -> Iterator[dict]:
    for folder in RunFolder.all():
        yield status(folder)


def status(folder: RunFolder) -> dict:
    request = folder.request()
    return {
        "type": "run-status",
        "run": folder.run,
        "name": request["name"],
        "state": folder.state(),
        "simulated": request["simulated"],
        "cellsDone": len(Progress(folder.path, request["cells"]).settled),
        "cellsTotal": len(request["cells"]),
        "directory": folder.path,
    }
