"""What a source of GPU readings offers."""

from typing import List, Optional, Protocol, Sequence


class Device(Protocol):
    #: As in ProbeRecord.gpuSource.
    source: str
    recorded: bool
    driver: Optional[str]
    cuda: Optional[str]
    #: Names of what `read` returns for each GPU (TelemetryColumn).
    columns: Sequence[str]

    def gpus(self) -> List[dict]:
        """ProbedGpu, in the order of `read`."""
        ...

    def read(self) -> List[list]:
        """One row a GPU; None where a reading is not to be had."""
        ...

    def close(self) -> None: ...
