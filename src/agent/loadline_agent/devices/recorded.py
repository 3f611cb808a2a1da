"""Replays a recording made on a real device. Everything that shows it carries the recording's name."""

import json
import pkgutil
import time
from bisect import bisect_right
from typing import List, Optional, Sequence

from ..errors import BadRequest

RECORDINGS = ("h200-2026-11-static-batch",)


class RecordedDevice:
    """Rows come at the pace at which they were recorded, from the start again at the end."""

    recorded = True

    def __init__(self, name: str) -> None:
        if name not in RECORDINGS:
            raise BadRequest(f"There is no recording `{name}`; there is {', '.join(RECORDINGS)}.")
        data = pkgutil.get_data(__package__, f"recordings/{name}.json")
        if data is None:
            raise BadRequest(f"The recording `{name}` is missing from this agent; build it again.")
        recording = json.loads(data.decode("utf-8"))
        self.source = f"recorded:{name}"
        self.driver: Optional[str] = recording["driver"]
        self.cuda: Optional[str] = recording["cuda"]
        self.columns: Sequence[str] = tuple(recording["columns"])
        self._gpus = recording["gpus"]
        self._times = [row[0] for row in recording["rows"]]
        self._rows = [row[1] for row in recording["rows"]]
        self._started = time.monotonic()

    def gpus(self) -> List[dict]:
        return [dict(gpu) for gpu in self._gpus]

    def read(self) -> List[list]:
        elapsed = (time.monotonic() - self._started) * 1000 % self._times[-1]
        return self._rows[max(0, bisect_right(self._times, elapsed) - 1)]

    def close(self) -> None:
        """Nothing is held."""
