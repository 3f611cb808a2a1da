"""Processes of others on the GPUs of a run: they would be measured with it, and a run that provokes failures may take them down."""

from typing import List, Optional

from ..engines.failure import Diagnosis
from ..errors import AgentError
from .gpu_state import GpuState, gpu_states
from .instance import EngineFailed

CODE = "gpu-busy"


def foreign_processes(states: Optional[List[GpuState]]) -> Optional[str]:
    """A sentence that names them; None where there are none, or none can be seen. Nothing of the run itself may be on the GPUs."""
    named = [
        f"GPU {state.index}: {describe(process)}" for state in states or [] for process in state.processes or []
    ]
    return f"Other processes compute on the GPUs: {'; '.join(named)}." if named else None


def describe(process: dict) -> str:
    """`process 4711 (python3) of alice, 23.4 GiB`; what is not known is left out."""
    name = f" ({process['name']})" if process.get("name") else ""
    user = f" of {process['user']}" if process.get("user") else ""
    memory = process.get("memoryBytes")
    held = f", {memory / 2**30:.1f} GiB" if memory is not None else ""
    return f"process {process['pid']}{name}{user}{held}"


REMEDY = "End them or choose other GPUs (gpuIndices); allowForeignProcesses: true measures beside them, and the report says so."


def refuse_foreign(gpus: List[int], allowed: bool) -> None:
    """Before a run is accepted. Raises AgentError `gpu-busy`."""
    found = foreign_processes(gpu_states(gpus)) if gpus and not allowed else None
    if found is not None:
        raise AgentError(CODE, f"{found} {REMEDY}")


def busy_failure(found: str) -> EngineFailed:
    return EngineFailed("start", Diagnosis(CODE, f"{found} {REMEDY}", []))
