"""Whether a run that is resumed goes on under the conditions that it began under: results of different ones are not mixed unsaid."""

import hashlib
import json
from typing import Dict, List, Optional, Set

from ..errors import AgentError
from .journal import records

#: What a cell is; its label and its estimates are not part of it.
CONTENT = ("engineKey", "engine", "load", "trials", "gpus", "copies", "sharing", "mps")


def cell_content(cell: dict) -> str:
    """16 hexadecimal digits of what is run for a cell. In `run-started`; resume compares it."""
    content = {name: cell[name] for name in CONTENT if cell.get(name) is not None}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "replace")).hexdigest()[:16]


def changed_cells(directory: str, cells: List[dict]) -> List[str]:
    """In words, where the request is not the one that the run started with."""
    started = next((record for record in records(directory) if record["type"] == "run-started"), None)
    if started is None:
        return []
    now = {cell["id"]: cell_content(cell) for cell in cells}
    changed = [
        cell["label"] for cell in started["cells"] if "content" in cell and now.get(cell["id"]) != cell["content"]
    ]
    return [f"cells are not what they were: {'; '.join(changed)}"] if changed else []


def changed_host(gpus: List[int], before: Optional[dict], now: dict) -> List[str]:
    """In words, from the host's facts in environment.json and those of now (ProbeRecords); only of the GPUs of the run."""
    if not before or not gpus:
        return []
    found = []
    if before.get("driver") != now.get("driver"):
        found.append(f"the driver was {before.get('driver')} and is {now.get('driver')}")
    devices = [
        {gpu["index"]: (gpu["name"], gpu["uuid"]) for gpu in host.get("gpus", ()) if "mig" not in gpu}
        for host in (before, now)
    ]
    for index in gpus:
        first, second = (of.get(index) for of in devices)
        if first and second and first != second:
            found.append(f"GPU {index} was {first[0]} ({first[1]}) and is {second[0]} ({second[1]})")
    return found


def stale(run: str, changes: List[str]) -> AgentError:
    return AgentError(
        "stale",
        f"Since the run {run} started, {'; '.join(changes)}. What is measured now does not compare with what was: "
        "start the plan anew, or resume with --accept-changes, and the results say so.",
    )


class EngineVersions:
    """Versions of the engines that something was measured on in earlier attempts of the run."""

    def __init__(self, directory: str) -> None:
        self._by_key: Dict[str, str] = {}
        self._all: Set[str] = set()
        ready: Optional[dict] = None
        for record in records(directory):
            if record["type"] == "engine-ready":
                ready = record
            elif record["type"] == "trial-measured" and ready and ready["version"] is not None:
                self.accept(ready["engineKey"], ready["version"])

    def accept(self, key: str, version: Optional[str]) -> None:
        if version is not None:
            self._by_key[key] = version
            self._all.add(version)

    def change(self, key: str, version: Optional[str]) -> Optional[str]:
        """In words, where an engine is of another version than the one that was measured before."""
        before = self._by_key.get(key)
        if version is None or version == before or (before is None and (version in self._all or not self._all)):
            return None
        return f"the engine was {before or ', '.join(sorted(self._all))} and is {version}"
