"""What the driver samples by itself, with its own time stamps: power each ~20 ms, utilisation each ~200 ms (H200)."""

import ctypes
import time
from typing import Any, List, Optional, Tuple

from ...sampling.reading import Unavailable, Unsupported
from . import structs
from .library import FOR_GOOD, Library, meaning
from .structs import SUCCESS, Sample

#: The driver keeps ~120 samples.
CAPACITY = 256
#: Samples further apart than this are not one stretch.
STRETCH_SECONDS = 0.1


class DriverSamples:
    """Those of one type that came since the last read. None where the driver has no such samples."""

    def __init__(self, library: Library, handle: Any, kind: int) -> None:
        self._library = library
        self._handle = handle
        self._kind = kind
        self._samples = (Sample * CAPACITY)()
        self.last_us = 0

    def fresh(self) -> List[Tuple[int, int]]:
        """(microseconds of the wall clock, value), oldest first. Raises Unsupported."""
        kind, count = ctypes.c_int(), ctypes.c_uint(CAPACITY)
        code = self._library.call(
            "nvmlDeviceGetSamples",
            self._handle,
            self._kind,
            self.last_us,
            ctypes.byref(kind),
            ctypes.byref(count),
            self._samples,
        )
        if code in FOR_GOOD:
            raise Unsupported(f"nvmlDeviceGetSamples: {meaning(code)}")
        if code not in (SUCCESS, structs.NOT_FOUND, structs.NO_DATA):
            raise Unavailable(f"nvmlDeviceGetSamples: {meaning(code)}")
        taken = self._samples[: count.value] if code == SUCCESS else []
        found = sorted((s.timestamp_us, s.value.unsigned) for s in taken if s.timestamp_us > self.last_us)
        if found:
            self.last_us = found[-1][0]
        return found


class EnergyIntegral:
    """Joules under samples of power, trapezoid by trapezoid, from the first of them."""

    def __init__(self) -> None:
        self.joules: Optional[float] = None
        self._last: Optional[Tuple[float, float]] = None

    def add(self, seconds: float, watts: float) -> None:
        if self._last is None:
            self.joules = 0.0
        elif self.joules is not None:
            self.joules += (watts + self._last[1]) / 2 * (seconds - self._last[0])
        self._last = (seconds, watts)


class PowerSamples:
    """Mean of the driver's power samples since the last read, so that nothing between two reads is missed."""

    #: Of the history that the driver has at the first read, only this much is now.
    RECENT_SECONDS = 0.2

    def __init__(self, library: Library, handle: Any, keep: bool) -> None:
        self._library = library
        self._handle = handle
        self._keep = keep
        self._samples: Optional[DriverSamples] = DriverSamples(library, handle, structs.TOTAL_POWER_SAMPLES)
        self.energy = EnergyIntegral()
        self._unsent: List[Tuple[float, float]] = []
        #: Taken by catch_up, and not yet part of a mean.
        self._ahead: List[Tuple[int, int]] = []

    def catch_up(self) -> None:
        """Brings the integral up to now, for who lays it beside the energy counter; the next mean still has these samples."""
        if self._samples is None or self._samples.last_us == 0:
            return
        try:
            fresh = self._samples.fresh()
        except (Unsupported, Unavailable):
            # The next reading of power says so.
            return
        self._take(fresh)
        self._ahead += fresh

    def read(self) -> List[Optional[float]]:
        first = self._samples is not None and self._samples.last_us == 0
        try:
            fresh = self._samples.fresh() if self._samples else []
        except Unsupported:
            self._samples = None
            fresh = []
        ahead, self._ahead = self._ahead, []
        if not fresh and not ahead:
            if self._samples is not None and not first:
                # Asked again too soon, or the driver stopped sampling: what it says now stands in, and is not integrated.
                return [self._usage()]
            watts = self._usage()
            self.energy.add(time.time(), watts)
            return [watts]
        if first:
            newest = fresh[-1][0]
            fresh = [sample for sample in fresh if sample[0] > newest - self.RECENT_SECONDS * 1e6]
            self._take(fresh[-1:])
        else:
            self._take(fresh)
            fresh = ahead + fresh
        return [round(sum(milliwatts for _, milliwatts in fresh) / len(fresh) / 1000, 1)]

    def events(self) -> List[dict]:
        """TelemetryPower of what came since they were last asked for: one a stretch without a hole."""
        samples, self._unsent = self._unsent, []
        stretches: List[List[Tuple[float, float]]] = []
        for sample in samples:
            if not stretches or sample[0] - stretches[-1][-1][0] > STRETCH_SECONDS:
                stretches.append([])
            stretches[-1].append(sample)
        to_monotonic = time.monotonic() - time.time()
        return [
            {
                "type": "telemetry-power",
                "monotonicMs": round((stretch[0][0] + to_monotonic) * 1000, 3),
                "periodMs": round((stretch[-1][0] - stretch[0][0]) * 1000 / max(1, len(stretch) - 1), 3),
                "watts": [round(watts, 1) for _, watts in stretch],
            }
            for stretch in stretches
        ]

    def _take(self, fresh: List[Tuple[int, int]]) -> None:
        for microseconds, milliwatts in fresh:
            self.energy.add(microseconds / 1e6, milliwatts / 1000)
            if self._keep:
                self._unsent.append((microseconds / 1e6, milliwatts / 1000))

    def _usage(self) -> float:
        return round(self._library.demand_number("nvmlDeviceGetPowerUsage", self._handle) / 1000, 1)


class UtilizationSamples:
    """Mean of the driver's utilisation samples since the last read; NVML's own rate where there are none."""

    RECENT_SECONDS = 0.5

    def __init__(self, library: Library, handle: Any) -> None:
        self._library = library
        self._handle = handle
        self._samples: Optional[DriverSamples] = DriverSamples(library, handle, structs.GPU_UTILIZATION_SAMPLES)
        self._value: Optional[float] = None

    def read(self) -> List[Optional[float]]:
        try:
            first = self._samples is not None and self._samples.last_us == 0
            fresh = self._samples.fresh() if self._samples else []
        except Unsupported:
            self._samples = None
        if self._samples is None:
            return utilization_rate(self._library, self._handle)
        if first:
            fresh = [sample for sample in fresh if sample[0] > fresh[-1][0] - self.RECENT_SECONDS * 1e6]
        if fresh:
            self._value = round(sum(percent for _, percent in fresh) / len(fresh), 1)
        return [self._value]


def utilization_rate(library: Library, handle: Any) -> List[Optional[float]]:
    rates = structs.Utilization()
    # The first read after the library's 100 ms cache ran out differs from those that follow; the second is the steady one.
    for _ in range(2):
        library.demand("nvmlDeviceGetUtilizationRates", handle, ctypes.byref(rates))
    return [rates.gpu]
