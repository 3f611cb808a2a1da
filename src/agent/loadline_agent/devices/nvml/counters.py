"""Traffic from counters of bytes, and from NVML's own 20 ms windows for the study mode."""

import math
import time
from typing import Any, List, Optional, Tuple

from ...sampling.reading import Unavailable, Unsupported
from . import structs
from .library import FOR_GOOD, Library, meaning
from .structs import SUCCESS, FieldValue

Rates = List[Optional[float]]


class FieldCounters:
    """Two counters of nvmlDeviceGetFieldValues and what they grew by per second. `bits`: how wide they are."""

    def __init__(self, library: Library, handle: Any, fields: Tuple[int, int], bits: int, scope: int = 0) -> None:
        self._library = library
        self._handle = handle
        self._fields = fields
        self._scope = scope
        self._mask = (1 << bits) - 1
        self._last: Optional[Tuple[float, List[int]]] = None

    def read(self, most_per_second: float = 0) -> Rates:
        """Not known where a rate of `most_per_second` could have wrapped them between two reads."""
        asked = (FieldValue * 2)(*(FieldValue(field=field, scope=self._scope) for field in self._fields))
        before = time.monotonic()
        self._library.demand("nvmlDeviceGetFieldValues", self._handle, 2, asked)
        now = (before + time.monotonic()) / 2
        last, self._last = self._last, None
        for value in asked:
            if value.result != SUCCESS:
                kind = Unsupported if value.result in FOR_GOOD else Unavailable
                raise kind(f"field {value.field}: {meaning(value.result)}")
        wide = self._mask > 0xFFFFFFFF
        counters = [value.value.unsigned_long_long if wide else value.value.unsigned for value in asked]
        self._last = (now, counters)
        if last is None or now <= last[0] or most_per_second * (now - last[0]) > self._mask:
            return [None, None]
        return [((new - old) & self._mask) / (now - last[0]) for new, old in zip(counters, last[1])]


class PcieCounters:
    """Bytes per second over PCIe, from 32-bit counters; not known where the link could have wrapped them."""

    def __init__(self, library: Library, handle: Any) -> None:
        fields = (structs.FIELD_PCIE_TX_BYTES, structs.FIELD_PCIE_RX_BYTES)
        self._counters = FieldCounters(library, handle, fields, bits=32)
        self._link = pcie_bytes_per_second(library, handle)

    def read(self) -> Rates:
        return [None if rate is None else round(rate) for rate in self._counters.read(self._link or math.inf)]


class NvlinkCounters:
    """Bytes per second of all NVLinks together, from their counters of KiB."""

    def __init__(self, library: Library, handle: Any) -> None:
        fields = (structs.FIELD_NVLINK_TX_KIB, structs.FIELD_NVLINK_RX_KIB)
        self._counters = FieldCounters(library, handle, fields, bits=64, scope=structs.ALL_LINKS)

    def read(self) -> Rates:
        return [None if rate is None else round(rate * 1024) for rate in self._counters.read()]


def pcie_throughput(library: Library, handle: Any) -> Rates:
    """Bytes per second in a window of 20 ms each, one after the other; takes as long. Its "KB" are 1000 bytes."""
    return [
        library.demand_number("nvmlDeviceGetPcieThroughput", handle, direction) * 1000
        for direction in (structs.PCIE_TX, structs.PCIE_RX)
    ]


def pcie_link(library: Library, handle: Any) -> Tuple[Optional[int], Optional[int]]:
    """(generation, lanes) at most."""
    return (
        library.number("nvmlDeviceGetMaxPcieLinkGeneration", handle),
        library.number("nvmlDeviceGetMaxPcieLinkWidth", handle),
    )


def pcie_bytes_per_second(library: Library, handle: Any) -> Optional[float]:
    generation, lanes = pcie_link(library, handle)
    lane = structs.PCIE_LANE_BYTES_PER_SECOND.get(generation or 0)
    return lane * lanes if lane and lanes else None


def nvlink_peak(library: Library, handle: Any) -> Tuple[Optional[int], Optional[int]]:
    """(links, bytes per second of all of them one way)."""
    asked = (FieldValue * 2)(
        FieldValue(field=structs.FIELD_NVLINK_COUNT), FieldValue(field=structs.FIELD_NVLINK_SPEED_MBPS)
    )
    if library.call("nvmlDeviceGetFieldValues", handle, 2, asked) != SUCCESS:
        return None, None
    links, speed = [value.value.unsigned if value.result == SUCCESS else None for value in asked]
    return links, links * speed * 1000000 if links and speed else None
