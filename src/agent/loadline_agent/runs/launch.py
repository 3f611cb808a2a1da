"""What is to be started for a cell: one engine or copies of it, as a command, in a container, simulated, or running already."""

import hashlib
import os
import sys
from typing import Dict, List, NamedTuple, Optional

from .. import ROOT
from ..engines import engine_named
from ..engines.kind import EngineKind
from ..requests import RUN_NAME
from .folder import RunFolder


class Launch(NamedTuple):
    """What is the same of an engine whether it is real or simulated. `argv` is empty for one that runs already."""

    kind: EngineKind
    model: str
    ready_seconds: float
    argv: List[str]
    environment: Dict[str, str]
    simulated: bool
    #: By index on the host; none for a rehearsal.
    gpus: List[int]
    #: {runtime, image, arguments}
    container: Optional[dict]
    #: {url, apiKeyFile} of one that is neither started nor stopped.
    endpoint: Optional[dict]
    health: str
    copies: int
    sharing: Optional[str]
    #: {memoryLimitBytes, threadPercentage} of each copy under MPS.
    mps: Dict[str, float]
    #: As the cell's load will ask.
    api: str
    prompt: str


def launch_of(cell: dict, folder: RunFolder, gpus: List[int]) -> Launch:
    engine, load = cell["engine"], cell["load"]
    common = {
        "ready_seconds": engine["readyTimeoutSeconds"],
        "gpus": gpus,
        "copies": cell.get("copies", 1),
        "sharing": cell.get("sharing"),
        "mps": cell.get("mps") or {},
        "api": load["api"],
        "prompt": load["prompt"],
    }
    if engine["kind"] == "simulated":
        file = f"simulated-{log_name(cell)}.json"
        folder.write_json(file, engine["parameters"])
        # It answers, refuses and fails in the words of the engine that it stands for.
        kind = engine_named("vllm")
        return Launch(
            kind=kind,
            model=engine["parameters"]["modelName"],
            argv=[sys.executable, ROOT, "simulated-engine"],
            environment={"LOADLINE_SIMULATED_ENGINE": folder.file(file)},
            simulated=True,
            container=None,
            endpoint=None,
            health=kind.health,
            **{**common, "gpus": []},
        )
    kind = engine_named(engine["name"])
    is_endpoint = engine["kind"] == "endpoint"
    return Launch(
        kind=kind,
        model=engine["modelName"],
        argv=[] if is_endpoint else engine["argv"],
        environment={} if is_endpoint else engine["environment"],
        simulated=False,
        container=engine.get("container"),
        endpoint={"url": engine["url"], "apiKeyFile": engine.get("apiKeyFile")} if is_endpoint else None,
        health=engine.get("healthPath") or kind.health,
        **common,
    )


def log_name(cell: dict) -> str:
    """The engine's key as part of a file name."""
    if RUN_NAME.match(cell["engineKey"]):
        return cell["engineKey"]
    return hashlib.sha256(cell["engineKey"].encode()).hexdigest()[:16]


def log_file(cell: dict, launch: Launch, index: int) -> str:
    return f"engine-{log_name(cell)}.log" if launch.copies == 1 else f"engine-{log_name(cell)}-{index}.log"


def start_directory() -> str:
    """Where a command over SSH starts too: relative paths in a plan mean the same."""
    home = os.path.expanduser("~")
    return home if os.path.isdir(home) else "/"
