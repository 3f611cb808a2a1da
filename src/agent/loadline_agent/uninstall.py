"""The `uninstall` verb: takes Loadline off this host. Runs stay unless they are asked for too."""

import os
import shutil
from typing import List

from . import ROOT
from .errors import AgentError
from .home import home_path, locks_path, runs_path
from .runs.status import all_statuses


def uninstall(request: dict) -> dict:
    """RemovedRecord. Refused while a run is going on: it would lose its journal."""
    home = home_path()
    active = [status["run"] for status in all_statuses() if status["state"] == "running"]
    if active:
        raise AgentError(
            "run-active", f"The run {active[0]} is still going on. Wait for it or cancel it, then remove Loadline."
        )
    removed: List[str] = []
    kept: List[dict] = []
    for path in ours(home, request.get("runs") is True):
        if os.path.islink(path):
            kept.append({"path": path, "why": "a symbolic link, which Loadline did not make"})
            continue
        try:
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
            removed.append(path)
        except OSError as error:
            kept.append({"path": path, "why": error.strerror or str(error)})
    left = os.listdir(home) if os.path.isdir(home) else []
    if os.path.isdir(home) and not os.path.islink(home):
        if left:
            reason = {"runs": "runs and what they measured; ask for them to be removed too"}
            known = {entry["path"] for entry in kept}
            kept += [
                {"path": path, "why": reason.get(name, "not of this version of Loadline")}
                for name in sorted(left)
                for path in [os.path.join(home, name)]
                if path not in known
            ]
        else:
            os.rmdir(home)
            removed.append(home)
    return {"type": "uninstalled", "removed": removed, "kept": kept}


def ours(home: str, runs: bool) -> List[str]:
    """What Loadline put there: agents of all versions, locks, and runs where they are to go (or there are none)."""
    # The archive that runs now lies elsewhere where LOADLINE_HOME names a folder for the runs.
    own = os.path.dirname(ROOT)
    elsewhere = os.path.isfile(ROOT) and os.path.basename(own).startswith("agent-") and os.path.dirname(own) != home
    others = [own] if elsewhere else []
    if not os.path.isdir(home) or os.path.islink(home):
        return others
    paths = [*others]
    paths += [os.path.join(home, name) for name in sorted(os.listdir(home)) if name.startswith("agent-")]
    folder = runs_path(home)
    if os.path.isdir(folder) and (runs or not os.listdir(folder)):
        paths.append(folder)
    locks = locks_path(home)
    if os.path.isdir(locks) and not (os.path.isdir(folder) and folder not in paths):
        paths.append(locks)
    return paths
