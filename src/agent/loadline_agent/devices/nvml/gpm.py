"""Performance counters of the GPU (GPM: Hopper and later)."""

import ctypes
import math
import time
from typing import Any, List, Optional

from .library import Library
from .structs import (
    GPM_ANY_TENSOR,
    GPM_DRAM_BANDWIDTH,
    GPM_NVLINK_RX,
    GPM_NVLINK_TX,
    GPM_PCIE_RX_MIB,
    GPM_PCIE_TX_MIB,
    GPM_SM_UTIL,
    SUCCESS,
    GpmMetricsGet,
    GpmSupport,
)

METRICS = (
    GPM_SM_UTIL,
    GPM_ANY_TENSOR,
    GPM_DRAM_BANDWIDTH,
    GPM_PCIE_TX_MIB,
    GPM_PCIE_RX_MIB,
    GPM_NVLINK_TX,
    GPM_NVLINK_RX,
)
#: Counters are refreshed each ~101 ms; two samples within one refresh give zeros and NaN.
REFRESH_SECONDS = 0.105
SPACING_SECONDS = 0.06

PCIE_UNIT_BYTES = 1048576
#: The header says MiB, but against 386.1 GB/s of known traffic (H200, driver 580.159.04) the unit is 1000 KiB: 386.3, not 395.6.
NVLINK_UNIT_BYTES = 1024000


class GpmCounters:
    """Activity and traffic between two samples of the counters.

    Samples closer than a refresh of the counters show nothing, so each is compared with the one before the last.
    `instance`: of a GPU in MIG mode.
    """

    def __init__(self, library: Library, handle: Any, instance: Optional[int] = None) -> None:
        self._library = library
        self._handle = handle
        self._instance = instance
        #: (taken at, buffer), oldest first.
        self._samples = [(-math.inf, self._allocate()) for _ in range(3)]
        self._request = GpmMetricsGet(version=1, count=len(METRICS))
        self._values: List[Optional[float]] = [None] * len(METRICS)

    @staticmethod
    def open(library: Library, handle: Any, instance: Optional[int] = None) -> "Optional[GpmCounters]":
        support = GpmSupport(version=1)
        if library.call("nvmlGpmQueryDeviceSupport", handle, ctypes.byref(support)) != SUCCESS or not support.supported:
            return None
        return GpmCounters(library, handle, instance)

    def read(self) -> List[Optional[float]]:
        """[SM %, tensor %, DRAM %, then bytes/s: PCIe TX, RX, NVLink TX, RX]. Between two samples the last values hold."""
        if time.monotonic() - self._samples[-1][0] < SPACING_SECONDS:
            return self._values
        _, buffer = self._samples.pop(0)
        self._samples.append((-math.inf, buffer))
        taken = time.monotonic()
        if self._instance is None:
            self._library.demand("nvmlGpmSampleGet", self._handle, buffer)
        else:
            self._library.demand("nvmlGpmMigSampleGet", self._handle, self._instance, buffer)
        self._samples[-1] = (taken, buffer)
        earlier = [sample for at, sample in self._samples[:-1] if REFRESH_SECONDS <= taken - at < math.inf]
        self._values = self._difference(earlier[-1], buffer) if earlier else [None] * len(METRICS)
        return self._values

    def close(self) -> None:
        for _, buffer in self._samples:
            self._library.call("nvmlGpmSampleFree", buffer)

    def _allocate(self) -> Any:
        buffer = ctypes.c_void_p()
        self._library.call("nvmlGpmSampleAlloc", ctypes.byref(buffer))
        return buffer

    def _difference(self, older: Any, newer: Any) -> List[Optional[float]]:
        request = self._request
        request.sample1, request.sample2 = older, newer
        for position, identity in enumerate(METRICS):
            request.metrics[position].metric = identity
        if self._library.call("nvmlGpmMetricsGet", ctypes.byref(request)) != SUCCESS:
            return [None] * len(METRICS)
        values = []
        for position in range(len(METRICS)):
            metric = request.metrics[position]
            values.append(metric.value if metric.result == SUCCESS and math.isfinite(metric.value) else None)
        # NaN in the DRAM metric is how the library says that no counter was refreshed between the two samples.
        if values[2] is None:
            return [None] * len(METRICS)
        units = (None, None, None, PCIE_UNIT_BYTES, PCIE_UNIT_BYTES, NVLINK_UNIT_BYTES, NVLINK_UNIT_BYTES)
        return [
            None if value is None else round(value * unit) if unit else round(value, 1)
            for value, unit in zip(values, units)
        ]
