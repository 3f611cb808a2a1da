"""What a device can be asked for, and how often it is asked."""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

#: TelemetryColumn of src/protocol/agent.ts, in the order of a row.
COLUMNS = (
    "memoryUsedBytes",
    "utilizationPercent",
    "smActivePercent",
    "tensorActivePercent",
    "dramActivePercent",
    "powerWatts",
    "smClockMHz",
    "memoryClockMHz",
    "temperatureCelsius",
    "pcieTxBytesPerSecond",
    "pcieRxBytesPerSecond",
    "nvlinkTxBytesPerSecond",
    "nvlinkRxBytesPerSecond",
    "throttleReasons",
)


class Unsupported(Exception):
    """This GPU or driver will never give the reading; the text says why."""


class Unavailable(Exception):
    """Not to be had now; it may come back."""


class Reading(NamedTuple):
    """One kind of reading of all GPUs of a device."""

    name: str
    columns: Sequence[str]
    #: Seconds. 0: at every tick; infinity: at the start and at marks only.
    period: float
    #: Function and window, in words.
    source: str
    #: Position of the GPU -> a value a column; None where it is not known now. Raises Unsupported or Unavailable.
    read: Callable[[int], Sequence[Optional[float]]]
    #: Position -> records that `read` left: without `monotonicMs` (now is meant) and `gpu`, which the sampler adds.
    events: Optional[Callable[[int], List[dict]]] = None
    #: Also read when something starts or ends.
    at_marks: bool = False

    def about(self) -> dict:
        """SampledReading. A period that is not a number is said as 0 in no reading: marks alone are in `source`."""
        finite = self.period if self.period != float("inf") else 0
        return {
            "name": self.name,
            "columns": list(self.columns),
            "periodMs": round(finite * 1000, 3),
            "source": self.source if finite == self.period else f"{self.source}; at the start and at marks only",
        }


class Mode(NamedTuple):
    """How often each kind of reading is taken, seconds; a kind that is not named is not read."""

    name: str
    #: No tick comes sooner than this.
    least_interval: float
    periods: Dict[str, float]


AT_MARKS = float("inf")

MODES = {
    mode.name: mode
    for mode in (
        Mode(
            "live",
            0.0,
            {
                "memory": 0,
                "activity": 0,
                "pcie-counters": 0,
                "nvlink-counters": 1,
                "power": 0.5,
                "utilization": 1,
                "clocks": 0.5,
                "throttle": 0.5,
                "temperature": 0.5,
                "processes": 2,
                "energy": 10,
                "ecc": 60,
                "host": 0.5,
            },
        ),
        Mode(
            "study",
            0.0,
            {
                "memory": 0,
                "utilization-rates": 0,
                "pcie-throughput": 0,
                "power": 1,
                "clocks": 1,
                "throttle": 1,
                "temperature": 1,
                "energy": AT_MARKS,
                "host": 1,
            },
        ),
        Mode(
            "quiet",
            0.2,
            {
                "memory": 0,
                "activity": 0,
                "pcie-counters": 0,
                "power": 1,
                "clocks": 5,
                "throttle": 5,
                "temperature": 5,
                "processes": AT_MARKS,
                "energy": AT_MARKS,
                "host": 1,
            },
        ),
    )
}
