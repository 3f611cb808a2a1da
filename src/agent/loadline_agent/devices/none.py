"""A host without GPUs that can be read: telemetry of the host alone."""

from typing import List, Optional

from ..sampling.reading import Mode, Reading


class NoDevice:
    source = "none"
    rung = "none"
    recorded = False
    driver: Optional[str] = None
    cuda: Optional[str] = None

    def __init__(self, detail: str = "no GPU was looked for") -> None:
        self.detail = detail

    def gpus(self) -> List[dict]:
        return []

    def readings(self, mode: Mode, interval: float, keep_power: bool = False) -> List[Reading]:
        return []

    def close(self) -> None:
        """Nothing is held."""
