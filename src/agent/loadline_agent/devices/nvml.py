"""NVIDIA's management library by ctypes: no packages, no root.

Calls are sorted into tiers by what they cost on the driver (measured on an H200): memory and the GPM counters are cheap
and read at every tick; power comes as its 20 ms samples at most 5 times a second; utilisation, clocks, temperature and
throttle reasons change slower than that and are read twice a second, and hold in between. nvmlDeviceGetPcieThroughput
(20 ms a call) is not used: GPM where the GPU has it, else the wrapping byte counters.
"""

import ctypes
import math
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

LIBRARY = "libnvidia-ml.so.1"
FOLDERS = (
    "",
    "/usr/lib/x86_64-linux-gnu/",
    "/usr/lib/aarch64-linux-gnu/",
    "/usr/lib64/",
    "/usr/lib/wsl/lib/",
    "/usr/local/nvidia/lib64/",
    "/run/opengl-driver/lib/",
)

SUCCESS = 0
DRIVER_NOT_LOADED = 9

#: Sample and clock types.
TOTAL_POWER_SAMPLES = 0
CLOCK_SM = 1

#: Field ids of the PCIe byte counters; 32 bits wide, so that they wrap.
FIELD_PCIE_TX_BYTES = 197
FIELD_PCIE_RX_BYTES = 198

#: GPM metric ids.
GPM_SM_UTIL = 2
GPM_ANY_TENSOR = 5
GPM_DRAM_BANDWIDTH = 10
GPM_PCIE_TX_MIB = 20
GPM_PCIE_RX_MIB = 21
GPM_METRICS = (GPM_SM_UTIL, GPM_ANY_TENSOR, GPM_DRAM_BANDWIDTH, GPM_PCIE_TX_MIB, GPM_PCIE_RX_MIB)
#: The library writes up to as many metrics as its own header allows (333 in 13.3), so there is room for more.
GPM_CAPACITY = 400
#: GPM counters are refreshed each ~101 ms; two samples within one refresh give zeros and NaN.
GPM_REFRESH_SECONDS = 0.105
GPM_SPACING_SECONDS = 0.06

POWER_PERIOD_SECONDS = 0.2
STATE_PERIOD_SECONDS = 0.5

#: Bytes per second of one PCIe lane, by generation: how soon a 32-bit counter may wrap.
PCIE_LANE_BYTES_PER_SECOND = {1: 0.25e9, 2: 0.5e9, 3: 0.985e9, 4: 1.969e9, 5: 3.938e9, 6: 7.563e9}


class MemoryV2(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_uint),
        ("total", ctypes.c_ulonglong),
        ("reserved", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    ]


class Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


class Utilization(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


class Value(ctypes.Union):
    _fields_ = [("unsigned", ctypes.c_uint), ("unsigned_long_long", ctypes.c_ulonglong), ("double", ctypes.c_double)]


class FieldValue(ctypes.Structure):
    _fields_ = [
        ("field", ctypes.c_uint),
        ("scope", ctypes.c_uint),
        ("timestamp_us", ctypes.c_longlong),
        ("latency_us", ctypes.c_longlong),
        ("value_type", ctypes.c_uint),
        ("result", ctypes.c_uint),
        ("value", Value),
    ]


class Sample(ctypes.Structure):
    _fields_ = [("timestamp_us", ctypes.c_ulonglong), ("value", Value)]


class GpmMetric(ctypes.Structure):
    _fields_ = [
        ("metric", ctypes.c_uint),
        ("result", ctypes.c_uint),
        ("value", ctypes.c_double),
        ("short_name", ctypes.c_void_p),
        ("long_name", ctypes.c_void_p),
        ("unit", ctypes.c_void_p),
    ]


class GpmMetricsGet(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_uint),
        ("count", ctypes.c_uint),
        ("sample1", ctypes.c_void_p),
        ("sample2", ctypes.c_void_p),
        ("metrics", GpmMetric * GPM_CAPACITY),
    ]


class GpmSupport(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint), ("supported", ctypes.c_uint)]


#: A version word is the size of the struct and its version (GPM structs carry a plain 1).
MEMORY_V2_VERSION = ctypes.sizeof(MemoryV2) | 2 << 24

Device = ctypes.c_void_p
UnsignedPointer = ctypes.POINTER(ctypes.c_uint)

SIGNATURES: Dict[str, Tuple[Any, ...]] = {
    "nvmlInit_v2": (),
    "nvmlShutdown": (),
    "nvmlSystemGetDriverVersion": (ctypes.c_char_p, ctypes.c_uint),
    "nvmlSystemGetCudaDriverVersion_v2": (ctypes.POINTER(ctypes.c_int),),
    "nvmlDeviceGetCount_v2": (UnsignedPointer,),
    "nvmlDeviceGetHandleByIndex_v2": (ctypes.c_uint, ctypes.POINTER(Device)),
    "nvmlDeviceGetName": (Device, ctypes.c_char_p, ctypes.c_uint),
    "nvmlDeviceGetUUID": (Device, ctypes.c_char_p, ctypes.c_uint),
    "nvmlDeviceGetMemoryInfo": (Device, ctypes.POINTER(Memory)),
    "nvmlDeviceGetMemoryInfo_v2": (Device, ctypes.POINTER(MemoryV2)),
    "nvmlDeviceGetEnforcedPowerLimit": (Device, UnsignedPointer),
    "nvmlDeviceGetUtilizationRates": (Device, ctypes.POINTER(Utilization)),
    "nvmlDeviceGetPowerUsage": (Device, UnsignedPointer),
    "nvmlDeviceGetClockInfo": (Device, ctypes.c_int, UnsignedPointer),
    "nvmlDeviceGetTemperature": (Device, ctypes.c_int, UnsignedPointer),
    "nvmlDeviceGetCurrentClocksEventReasons": (Device, ctypes.POINTER(ctypes.c_ulonglong)),
    "nvmlDeviceGetCurrentClocksThrottleReasons": (Device, ctypes.POINTER(ctypes.c_ulonglong)),
    "nvmlDeviceGetMaxPcieLinkGeneration": (Device, UnsignedPointer),
    "nvmlDeviceGetMaxPcieLinkWidth": (Device, UnsignedPointer),
    "nvmlDeviceGetFieldValues": (Device, ctypes.c_int, ctypes.POINTER(FieldValue)),
    "nvmlDeviceGetSamples": (
        Device,
        ctypes.c_int,
        ctypes.c_ulonglong,
        ctypes.POINTER(ctypes.c_int),
        UnsignedPointer,
        ctypes.POINTER(Sample),
    ),
    "nvmlGpmQueryDeviceSupport": (Device, ctypes.POINTER(GpmSupport)),
    "nvmlGpmSampleAlloc": (ctypes.POINTER(ctypes.c_void_p),),
    "nvmlGpmSampleFree": (ctypes.c_void_p,),
    "nvmlGpmSampleGet": (Device, ctypes.c_void_p),
    "nvmlGpmMetricsGet": (ctypes.POINTER(GpmMetricsGet),),
}


class NvmlUnavailable(Exception):
    """No library, no driver or no permission; the text says which."""


class Library:
    """Functions are looked up when first called; one that this driver lacks reports FUNCTION_NOT_FOUND like any other code."""

    FUNCTION_NOT_FOUND = 13

    def __init__(self) -> None:
        self._library = load_library()
        self._functions: Dict[str, Any] = {}

    def call(self, name: str, *arguments: Any) -> int:
        function = self._functions.get(name)
        if function is None:
            function = self._functions[name] = self._find(name)
        return function(*arguments)

    def _find(self, name: str) -> Any:
        try:
            function = getattr(self._library, name)
        except AttributeError:
            return lambda *_: self.FUNCTION_NOT_FOUND
        # Without argument types ctypes passes pointers as C ints and cuts them off.
        function.argtypes = SIGNATURES[name]
        function.restype = ctypes.c_int
        return function

    def number(self, name: str, *arguments: Any, of: Any = ctypes.c_uint) -> Optional[int]:
        """Of a function whose last argument is the address of one number; None where it is not to be had."""
        value = of()
        return value.value if self.call(name, *arguments, ctypes.byref(value)) == SUCCESS else None

    def text(self, name: str, *before: Any) -> Optional[str]:
        buffer = ctypes.create_string_buffer(96)
        return buffer.value.decode("utf-8", "replace") if self.call(name, *before, buffer, 96) == SUCCESS else None

    def start(self) -> None:
        code = self.call("nvmlInit_v2")
        if code == DRIVER_NOT_LOADED:
            raise NvmlUnavailable("the NVIDIA driver is not loaded")
        if code != SUCCESS:
            raise NvmlUnavailable(
                f"nvmlInit_v2 returned {code}"
                + (" (the library and the driver differ in version)" if code == 18 else "")
            )


def load_library() -> Any:
    for folder in FOLDERS:
        try:
            return ctypes.CDLL(folder + LIBRARY)
        except OSError:
            continue
    raise NvmlUnavailable(f"{LIBRARY} was not found")


class NvmlDevice:
    """All GPUs, or those with the given indices, in the order of NVML (that of the PCI bus, as nvidia-smi has it)."""

    source = "nvml"
    recorded = False
    columns: Sequence[str] = (
        "memoryUsedBytes",
        "utilizationPercent",
        "smActivePercent",
        "tensorActivePercent",
        "dramActivePercent",
        "powerWatts",
        "smClockMHz",
        "temperatureCelsius",
        "pcieTxBytesPerSecond",
        "pcieRxBytesPerSecond",
        "throttleReasons",
    )

    def __init__(self, indices: Optional[list] = None) -> None:
        self._library = Library()
        self._library.start()
        self.driver = self._library.text("nvmlSystemGetDriverVersion")
        cuda = self._library.number("nvmlSystemGetCudaDriverVersion_v2", of=ctypes.c_int)
        self.cuda: Optional[str] = f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None
        count = self._library.number("nvmlDeviceGetCount_v2") or 0
        self._gpus = [Gpu(self._library, index) for index in (indices or range(count)) if index < count]

    def gpus(self) -> List[dict]:
        return [gpu.about() for gpu in self._gpus]

    def read(self) -> List[list]:
        return [gpu.read() for gpu in self._gpus]

    def close(self) -> None:
        for gpu in self._gpus:
            gpu.close()
        self._library.call("nvmlShutdown")


class Gpu:
    def __init__(self, library: Library, index: int) -> None:
        self._library = library
        self.index = index
        self._handle = Device()
        code = library.call("nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(self._handle))
        if code != SUCCESS:
            raise NvmlUnavailable(f"GPU {index} cannot be opened (code {code})")
        self._power = PowerSamples(library, self._handle)
        self._gpm = GpmCounters.open(library, self._handle)
        self._pcie = None if self._gpm else PcieCounters(library, self._handle)
        self._state: List[Optional[int]] = [None] * 4
        self._state_due = 0.0

    def about(self) -> dict:
        limit = self._library.number("nvmlDeviceGetEnforcedPowerLimit", self._handle)
        total, used = self._memory()
        return {
            "index": self.index,
            "uuid": self._library.text("nvmlDeviceGetUUID", self._handle) or "",
            "name": self._library.text("nvmlDeviceGetName", self._handle) or "",
            "memoryTotalBytes": total or 0,
            "memoryUsedBytes": used,
            "powerLimitWatts": limit / 1000 if limit is not None else None,
        }

    def read(self) -> list:
        now = time.monotonic()
        _, used = self._memory()
        activity = (
            self._gpm.read(now)
            if self._gpm
            else [None, None, None] + (self._pcie.read(now) if self._pcie else [None, None])
        )
        power = self._power.read(now)
        utilization, clock, temperature, reasons = self._read_state(now)
        return [used, utilization, *activity[:3], power, clock, temperature, *activity[3:], reasons]

    def close(self) -> None:
        if self._gpm:
            self._gpm.close()

    def _memory(self) -> Tuple[Optional[int], Optional[int]]:
        """(total, used) in bytes. Version 2 leaves out what the driver reserves, as nvidia-smi does."""
        memory = MemoryV2(version=MEMORY_V2_VERSION)
        if self._library.call("nvmlDeviceGetMemoryInfo_v2", self._handle, ctypes.byref(memory)) == SUCCESS:
            return memory.total, memory.used
        older = Memory()
        if self._library.call("nvmlDeviceGetMemoryInfo", self._handle, ctypes.byref(older)) == SUCCESS:
            return older.total, older.used
        return None, None

    def _read_state(self, now: float) -> List[Optional[int]]:
        if now < self._state_due:
            return self._state
        self._state_due = now + STATE_PERIOD_SECONDS
        rates = Utilization()
        # The first read after the library's 100 ms cache ran out differs from those that follow; the second is the steady one.
        for _ in range(2):
            code = self._library.call("nvmlDeviceGetUtilizationRates", self._handle, ctypes.byref(rates))
        reasons = self._library.number("nvmlDeviceGetCurrentClocksEventReasons", self._handle, of=ctypes.c_ulonglong)
        if reasons is None:
            reasons = self._library.number(
                "nvmlDeviceGetCurrentClocksThrottleReasons", self._handle, of=ctypes.c_ulonglong
            )
        self._state = [
            rates.gpu if code == SUCCESS else None,
            self._library.number("nvmlDeviceGetClockInfo", self._handle, CLOCK_SM),
            self._library.number("nvmlDeviceGetTemperature", self._handle, 0),
            reasons,
        ]
        return self._state


class PowerSamples:
    """Mean of the driver's 20 ms power samples since the last read, so that nothing between two ticks is missed."""

    CAPACITY = 256

    def __init__(self, library: Library, handle: Any) -> None:
        self._library = library
        self._handle = handle
        self._samples = (Sample * self.CAPACITY)()
        self._last_us = 0
        self._due = 0.0
        self._watts: Optional[float] = None

    def read(self, now: float) -> Optional[float]:
        if now >= self._due:
            self._due = now + POWER_PERIOD_SECONDS
            self._watts = self._mean()
        return self._watts

    def _mean(self) -> Optional[float]:
        kind, count = ctypes.c_int(), ctypes.c_uint(self.CAPACITY)
        code = self._library.call(
            "nvmlDeviceGetSamples",
            self._handle,
            TOTAL_POWER_SAMPLES,
            self._last_us,
            ctypes.byref(kind),
            ctypes.byref(count),
            self._samples,
        )
        taken = self._samples[: count.value] if code == SUCCESS else []
        fresh = [sample for sample in taken if sample.timestamp_us > self._last_us]
        if not fresh:
            milliwatts = self._library.number("nvmlDeviceGetPowerUsage", self._handle)
            return milliwatts / 1000 if milliwatts is not None else None
        first = self._last_us == 0
        self._last_us = max(sample.timestamp_us for sample in fresh)
        # The first call returns the whole history of the driver: only its newest part is now.
        recent = [
            sample for sample in fresh if not first or sample.timestamp_us > self._last_us - POWER_PERIOD_SECONDS * 1e6
        ]
        return round(sum(sample.value.unsigned for sample in recent) / len(recent) / 1000, 2)


class GpmCounters:
    """SM, tensor and memory activity and PCIe traffic between two samples of the performance counters (Hopper and later).

    Samples closer than a refresh of the counters show nothing, so each is compared with the one before the last.
    """

    def __init__(self, library: Library, handle: Any) -> None:
        self._library = library
        self._handle = handle
        #: (taken at, buffer), oldest first.
        self._samples = [(-math.inf, self._allocate()) for _ in range(3)]
        self._request = GpmMetricsGet(version=1, count=len(GPM_METRICS))
        self._values: List[Optional[float]] = [None] * len(GPM_METRICS)

    @staticmethod
    def open(library: Library, handle: Any) -> "Optional[GpmCounters]":
        support = GpmSupport(version=1)
        if library.call("nvmlGpmQueryDeviceSupport", handle, ctypes.byref(support)) != SUCCESS or not support.supported:
            return None
        return GpmCounters(library, handle)

    def read(self, now: float) -> List[Optional[float]]:
        """[SM %, tensor %, DRAM %, PCIe TX bytes/s, PCIe RX bytes/s]. Between two samples the last values hold."""
        if now - self._samples[-1][0] < GPM_SPACING_SECONDS:
            return self._values
        _, buffer = self._samples.pop(0)
        taken = time.monotonic()
        if self._library.call("nvmlGpmSampleGet", self._handle, buffer) != SUCCESS:
            taken = -math.inf
        self._samples.append((taken, buffer))
        earlier = [sample for at, sample in self._samples[:-1] if GPM_REFRESH_SECONDS <= taken - at < math.inf]
        self._values = self._difference(earlier[-1], buffer) if earlier else [None] * len(GPM_METRICS)
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
        for metric, identity in zip(request.metrics, GPM_METRICS):
            metric.metric = identity
        if self._library.call("nvmlGpmMetricsGet", ctypes.byref(request)) != SUCCESS:
            return [None] * len(GPM_METRICS)
        values = [
            metric.value if metric.result == SUCCESS and math.isfinite(metric.value) else None
            for metric in request.metrics[: len(GPM_METRICS)]
        ]
        sm, tensor, dram, transmitted, received = values
        # NaN in the DRAM metric is how the library says that no counter was refreshed between the two samples.
        if dram is None:
            return [None] * len(GPM_METRICS)
        bytes_per_second = [
            round(mebibytes * 1048576) if mebibytes is not None else None for mebibytes in (transmitted, received)
        ]
        return [round(percent, 2) if percent is not None else None for percent in (sm, tensor, dram)] + bytes_per_second


class PcieCounters:
    """PCIe traffic from 32-bit byte counters; not known where the link could have wrapped them between two reads."""

    def __init__(self, library: Library, handle: Any) -> None:
        self._library = library
        self._handle = handle
        generation = library.number("nvmlDeviceGetMaxPcieLinkGeneration", handle) or 0
        width = library.number("nvmlDeviceGetMaxPcieLinkWidth", handle) or 0
        self._link = PCIE_LANE_BYTES_PER_SECOND.get(generation, math.inf) * width
        self._last: Optional[Tuple[float, List[int]]] = None

    def read(self, now: float) -> List[Optional[float]]:
        fields = (FieldValue * 2)(FieldValue(field=FIELD_PCIE_TX_BYTES), FieldValue(field=FIELD_PCIE_RX_BYTES))
        code = self._library.call("nvmlDeviceGetFieldValues", self._handle, 2, fields)
        if code != SUCCESS or any(field.result != SUCCESS for field in fields):
            self._last = None
            return [None, None]
        counters = [field.value.unsigned for field in fields]
        last, self._last = self._last, (now, counters)
        if last is None or now <= last[0] or self._link * (now - last[0]) >= 1 << 32:
            return [None, None]
        return [round(((new - old) & 0xFFFFFFFF) / (now - last[0])) for new, old in zip(counters, last[1])]
