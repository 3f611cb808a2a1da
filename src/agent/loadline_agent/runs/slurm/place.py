"""What a task knows of itself: where in Slurm it is, and whether somebody cancelled its run."""

import os
from typing import Dict, NamedTuple, Optional

from ...errors import AgentError
from ..folder import RunFolder

#: A file in the run folder that says to the tasks that they are not to go on.
CANCELLED = "cancelled"


class Place(NamedTuple):
    """Where in Slurm this process is."""

    #: Number of the whole array, as `sbatch` gave it.
    array: str
    task: int
    node: str
    #: How often Slurm started it before.
    restarts: int
    cores: Optional[int]

    @property
    def name(self) -> str:
        """As Slurm's programs name this task alone."""
        return f"{self.array}_{self.task}"


def place_of(environment: Dict[str, str]) -> Place:
    try:
        cores = environment.get("SLURM_CPUS_ON_NODE", "")
        return Place(
            environment["SLURM_ARRAY_JOB_ID"],
            int(environment["SLURM_ARRAY_TASK_ID"]),
            environment.get("SLURMD_NODENAME") or os.uname().nodename,
            int(environment.get("SLURM_RESTART_COUNT") or 0),
            int(cores) if cores.isdigit() else None,
        )
    except (KeyError, ValueError) as error:
        raise AgentError("no-scheduler", f"This verb runs inside an array task of Slurm; {error} is not set.") from None


def note_cancelling(run: RunFolder) -> None:
    run.write(CANCELLED, b"")


def forget_cancelling(run: RunFolder) -> None:
    if is_cancelled(run):
        os.unlink(run.file(CANCELLED))


def is_cancelled(run: RunFolder) -> bool:
    return os.path.exists(run.file(CANCELLED))
