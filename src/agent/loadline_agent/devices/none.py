"""A host without GPUs that can be read: telemetry of the host alone."""

from typing import List, Optional, Sequence


class NoDevice:
    source = "none"
    recorded = False
    driver: Optional[str] = None
    cuda: Optional[str] = None
    columns: Sequence[str] = ()

    def gpus(self) -> List[dict]:
        return []

    def read(self) -> List[list]:
        return []

    def close(self) -> None:
        """Nothing is held."""
