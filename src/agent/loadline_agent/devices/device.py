"""What a source of GPU readings offers."""

from typing import List, Optional, Protocol

from ..sampling.reading import Mode, Reading


class Device(Protocol):
    #: As in ProbeRecord.gpuSource.
    source: str
    #: TelemetryRung.
    rung: str
    #: How it is read, in words; why not in a better way.
    detail: str
    recorded: bool
    driver: Optional[str]
    cuda: Optional[str]

    def gpus(self) -> List[dict]:
        """ProbedGpu, in the order of the positions that readings take."""
        ...

    def readings(self, mode: Mode, interval: float, keep_power: bool = False) -> List[Reading]:
        """New ones for each stream: they keep what they need between two reads. `interval`: seconds between ticks."""
        ...

    def close(self) -> None: ...
