"""The GPUs of an NVIDIA driver, and their readings."""

import ctypes
import math
from typing import Callable, Dict, List, Optional, Sequence

from ...sampling.reading import Mode, Reading, Unsupported
from . import structs
from .counters import NvlinkCounters, PcieCounters, pcie_throughput
from .gpm import GpmCounters
from .gpu import Gpu
from .library import Library
from .samples import PowerSamples, UtilizationSamples, utilization_rate

#: nvmlDeviceGetPcieThroughput, both ways: of how many GPUs it can be read in a tick, with time left.
PCIE_THROUGHPUT_SECONDS = 0.0415

GPM_COLUMNS = (
    "smActivePercent",
    "tensorActivePercent",
    "dramActivePercent",
    "pcieTxBytesPerSecond",
    "pcieRxBytesPerSecond",
    "nvlinkTxBytesPerSecond",
    "nvlinkRxBytesPerSecond",
)
PCIE_COLUMNS = GPM_COLUMNS[3:5]
NVLINK_COLUMNS = GPM_COLUMNS[5:7]

Read = Callable[[int], Sequence[Optional[float]]]


class NvmlDevice:
    """All GPUs, or those with the given indices, in the order of NVML (that of the PCI bus, as nvidia-smi has it).

    An instance of a GPU in MIG mode comes after its GPU: memory, processes and activity are then its own, and power, clocks
    and temperature those of the GPU alone.
    """

    source = "nvml"
    rung = "nvml"
    recorded = False

    def __init__(self, indices: Optional[list] = None) -> None:
        self._library = Library()
        self._library.start()
        self.driver = self._library.text("nvmlSystemGetDriverVersion")
        cuda = self._library.number("nvmlSystemGetCudaDriverVersion_v2", of=ctypes.c_int)
        self.cuda: Optional[str] = f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None
        count = self._library.number("nvmlDeviceGetCount_v2") or 0
        self.units: List[Gpu] = []
        for index in indices or range(count):
            if index < count:
                self.units += Gpu.open(self._library, index)
        self._gpm: Dict[int, Optional[GpmCounters]] = {}
        version = self._library.text("nvmlSystemGetNVMLVersion")
        self.detail = f"NVML {version or 'of unknown version'}, driver {self.driver or 'of unknown version'}"

    def gpus(self) -> List[dict]:
        return [unit.about() for unit in self.units]

    def close(self) -> None:
        for counters in self._gpm.values():
            if counters:
                counters.close()
        self._gpm = {}
        self._library.call("nvmlShutdown")

    def readings(self, mode: Mode, interval: float, keep_power: bool = False) -> List[Reading]:
        made = _Readings(self._library, self.units, self._gpm, keep_power)
        wanted = [build(mode.periods[kind], interval) for kind, build in made.kinds.items() if kind in mode.periods]
        return [reading for reading in wanted if reading is not None]


class _Readings:
    """Builds the readings of one stream; each keeps what it needs between two reads."""

    def __init__(
        self, library: Library, units: List[Gpu], gpm: Dict[int, Optional[GpmCounters]], keep_power: bool
    ) -> None:
        self._library = library
        self._units = units
        self._keep_power = keep_power
        for position, unit in enumerate(units):
            whole = unit.parent or unit
            # The counters of a divided GPU are those of its instances.
            divided = unit.parent is None and any(other.parent is unit for other in units)
            gpm[position] = None if divided else GpmCounters.open(library, whole.handle, unit.instance)
        self._gpm = gpm
        self._power = [PowerSamples(library, unit.handle, keep_power) for unit in units]
        self.kinds: Dict[str, Callable[[float, float], Optional[Reading]]] = {
            "memory": self._memory,
            "activity": self._activity,
            "pcie-counters": self._pcie,
            "nvlink-counters": self._nvlink,
            "utilization-rates": self._rates,
            "pcie-throughput": self._throughput,
            "power": self._power_reading,
            "utilization": self._utilization,
            "clocks": self._clocks,
            "throttle": self._throttle,
            "temperature": self._temperature,
            "processes": self._processes,
            "ecc": self._ecc,
            "energy": self._energy,
        }

    def _whole_gpus_only(self, read: Read) -> Read:
        """NVML gives these of a whole GPU; an instance has none of its own, which is nothing to report."""

        def whole(position: int) -> Sequence[Optional[float]]:
            if self._units[position].parent is not None:
                return ()
            return read(position)

        return whole

    def _memory(self, period: float, _: float) -> Reading:
        return Reading(
            "memory",
            ("memoryUsedBytes",),
            period,
            "nvmlDeviceGetMemoryInfo_v2, without what the driver reserves",
            lambda position: self._units[position].memory_used(),
        )

    def _activity(self, period: float, _: float) -> Optional[Reading]:
        if not any(self._gpm.values()):
            return None

        def read(position: int) -> Sequence[Optional[float]]:
            counters = self._gpm[position]
            return counters.read() if counters else ()

        return Reading(
            "activity",
            GPM_COLUMNS,
            period,
            "GPM counters between two samples 105 ms or more apart; PCIe with overhead",
            read,
        )

    def _pcie(self, period: float, _: float) -> Optional[Reading]:
        if any(self._gpm.values()):
            return None
        counters = [PcieCounters(self._library, unit.handle) for unit in self._units]
        read = self._whole_gpus_only(lambda position: counters[position].read())
        return Reading("pcie-counters", PCIE_COLUMNS, period, "32-bit byte counters (fields 197 and 198)", read)

    def _nvlink(self, period: float, _: float) -> Optional[Reading]:
        if any(self._gpm.values()):
            return None
        counters = [NvlinkCounters(self._library, unit.handle) for unit in self._units]
        read = self._whole_gpus_only(lambda position: counters[position].read())
        return Reading(
            "nvlink-counters", NVLINK_COLUMNS, period, "data counters of all links (fields 138 and 139)", read
        )

    def _rates(self, period: float, _: float) -> Reading:
        read = self._whole_gpus_only(lambda position: utilization_rate(self._library, self._units[position].handle))
        return Reading(
            "utilization", ("utilizationPercent",), period, "nvmlDeviceGetUtilizationRates, second read", read
        )

    def _throughput(self, period: float, interval: float) -> Reading:
        read = self._whole_gpus_only(lambda position: pcie_throughput(self._library, self._units[position].handle))
        source = "nvmlDeviceGetPcieThroughput: 20 ms windows, one way after the other"
        if len(self._units) * PCIE_THROUGHPUT_SECONDS > 0.75 * interval:
            # Not all fit into a tick: each when there is time, and the rows say what was read last.
            turns = math.ceil(len(self._units) * PCIE_THROUGHPUT_SECONDS / (0.6 * interval))
            return Reading(
                "pcie",
                PCIE_COLUMNS,
                turns * interval,
                f"{source}; GPUs take turns, each about every {turns} ticks",
                read,
            )
        return Reading("pcie", PCIE_COLUMNS, period, source, read)

    def _power_reading(self, period: float, _: float) -> Reading:
        read = self._whole_gpus_only(lambda position: self._power[position].read())
        return Reading(
            "power",
            ("powerWatts",),
            period,
            "mean of nvmlDeviceGetSamples(TOTAL_POWER) since the last read; nvmlDeviceGetPowerUsage where there are none",
            read,
            (lambda position: self._power[position].events()) if self._keep_power else None,
            at_marks=True,
        )

    def _utilization(self, period: float, _: float) -> Reading:
        samples = [UtilizationSamples(self._library, unit.handle) for unit in self._units]
        read = self._whole_gpus_only(lambda position: samples[position].read())
        return Reading(
            "utilization",
            ("utilizationPercent",),
            period,
            "mean of nvmlDeviceGetSamples(GPU_UTILIZATION) since the last read; nvmlDeviceGetUtilizationRates where there are none",
            read,
        )

    def _clocks(self, period: float, _: float) -> Reading:
        def read(position: int) -> Sequence[Optional[float]]:
            handle = self._units[position].handle
            return (
                self._library.demand_number("nvmlDeviceGetClockInfo", handle, structs.CLOCK_SM),
                self._library.number("nvmlDeviceGetClockInfo", handle, structs.CLOCK_MEMORY),
            )

        columns = ("smClockMHz", "memoryClockMHz")
        return Reading("clocks", columns, period, "nvmlDeviceGetClockInfo", self._whole_gpus_only(read))

    def _throttle(self, period: float, _: float) -> Reading:
        def read(position: int) -> Sequence[Optional[float]]:
            handle = self._units[position].handle
            try:
                newer = "nvmlDeviceGetCurrentClocksEventReasons"
                return (self._library.demand_number(newer, handle, of=ctypes.c_ulonglong),)
            except Unsupported:
                older = "nvmlDeviceGetCurrentClocksThrottleReasons"
                return (self._library.demand_number(older, handle, of=ctypes.c_ulonglong),)

        source = "nvmlDeviceGetCurrentClocksEventReasons"
        return Reading("throttle", ("throttleReasons",), period, source, self._whole_gpus_only(read))

    def _temperature(self, period: float, _: float) -> Reading:
        read = self._whole_gpus_only(
            lambda position: (self._library.demand_number("nvmlDeviceGetTemperature", self._units[position].handle, 0),)
        )
        return Reading("temperature", ("temperatureCelsius",), period, "nvmlDeviceGetTemperature", read)

    def _processes(self, period: float, _: float) -> Reading:
        found: Dict[int, List[dict]] = {}
        told: Dict[int, List[dict]] = {}

        def read(position: int) -> Sequence[Optional[float]]:
            found[position] = self._units[position].processes()
            return ()

        def events(position: int) -> List[dict]:
            if found.get(position) == told.get(position):
                return []
            told[position] = found[position]
            return [{"type": "telemetry-processes", "processes": found[position]}]

        return Reading(
            "processes",
            (),
            period,
            "nvmlDeviceGetComputeRunningProcesses_v3, when they changed",
            read,
            events,
            at_marks=True,
        )

    def _ecc(self, period: float, _: float) -> Reading:
        found: Dict[int, int] = {}
        told: Dict[int, int] = {}

        def read(position: int) -> Sequence[Optional[float]]:
            found[position] = self._library.demand_number(
                "nvmlDeviceGetTotalEccErrors",
                self._units[position].handle,
                structs.ECC_UNCORRECTED,
                structs.ECC_VOLATILE,
                of=ctypes.c_ulonglong,
            )
            return ()

        def events(position: int) -> List[dict]:
            if position not in found or found[position] == told.get(position):
                return []
            told[position] = found[position]
            return [{"type": "telemetry-ecc", "uncorrectedErrors": found[position]}]

        source = "nvmlDeviceGetTotalEccErrors, uncorrected, when it changed"
        return Reading("ecc", (), period, source, self._whole_gpus_only(read), events)

    def _energy(self, period: float, _: float) -> Reading:
        found: Dict[int, float] = {}

        def read(position: int) -> Sequence[Optional[float]]:
            millijoules = self._library.demand_number(
                "nvmlDeviceGetTotalEnergyConsumption", self._units[position].handle, of=ctypes.c_ulonglong
            )
            found[position] = millijoules / 1000
            self._power[position].catch_up()
            return ()

        def events(position: int) -> List[dict]:
            if position not in found:
                return []
            joules = self._power[position].energy.joules
            return [
                {
                    "type": "telemetry-energy",
                    "counterJoules": found.pop(position),
                    "integratedJoules": round(joules, 3) if joules is not None else None,
                }
            ]

        source = "nvmlDeviceGetTotalEnergyConsumption"
        return Reading("energy", (), period, source, self._whole_gpus_only(read), events, at_marks=True)
