"""Replays a recording made on a real device. Everything that shows it carries the recording's name."""

import json
import pkgutil
import time
from bisect import bisect_right
from typing import List, Optional, Sequence, Tuple

from ..errors import BadRequest
from ..sampling.reading import Mode, Reading

RECORDINGS = ("h200-2026-11-static-batch",)


class RecordedDevice:
    """Rows come at the pace at which they were recorded, from the start again at the end."""

    rung = "recorded"
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
        self.detail = f"a recording: {recording['what']}"
        self.columns: Tuple[str, ...] = tuple(recording["columns"])
        self._gpus = recording["gpus"]
        self._times = [row[0] for row in recording["rows"]]
        self._rows = [row[1] for row in recording["rows"]]
        self._started = time.monotonic()

    def gpus(self) -> List[dict]:
        return [dict(gpu) for gpu in self._gpus]

    def readings(self, mode: Mode, interval: float, keep_power: bool = False) -> List[Reading]:
        return [Reading("recording", self.columns, 0, self.detail, self.read)]

    def read(self, position: int) -> Sequence[Optional[float]]:
        elapsed = (time.monotonic() - self._started) * 1000 % self._times[-1]
        return self._rows[max(0, bisect_right(self._times, elapsed) - 1)][position]

    def close(self) -> None:
        """Nothing is held."""
