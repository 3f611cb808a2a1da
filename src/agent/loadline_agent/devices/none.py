"""A host without GPUs that can be read: telemetry of the host alone."""

from typing import List


class NoDevice:
    source = "none"
    recorded = False
    driver = None
    cuda = None
    columns = ()

    def gpus(self) -> List[dict]:
        return []

    def read(self) -> List[list]:
        return []

    def close(self) -> None:
        """Nothing is held."""
