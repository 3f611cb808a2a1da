"""Constants, structs and signatures of nvml.h (13.3), as far as they are used. LP64 layouts."""

import ctypes
from typing import Any, Dict, Tuple

SUCCESS = 0
NOT_SUPPORTED = 3
NO_PERMISSION = 4
NOT_FOUND = 6
INSUFFICIENT_SIZE = 7
DRIVER_NOT_LOADED = 9
FUNCTION_NOT_FOUND = 13
GPU_IS_LOST = 15
RESET_REQUIRED = 16
LIB_RM_VERSION_MISMATCH = 18
NO_DATA = 21

#: Types of samples and clocks, a threshold of temperature.
TOTAL_POWER_SAMPLES = 0
GPU_UTILIZATION_SAMPLES = 1
CLOCK_SM = 1
CLOCK_MEMORY = 2
THRESHOLD_SLOWDOWN = 1
ECC_UNCORRECTED = 1
ECC_VOLATILE = 0
PCIE_TX = 0
PCIE_RX = 1

#: Field ids. The PCIe byte counters are 32 bits wide, so that they wrap; NVLink data is in KiB, of all links with ALL_LINKS.
FIELD_PCIE_TX_BYTES = 197
FIELD_PCIE_RX_BYTES = 198
FIELD_NVLINK_TX_KIB = 138
FIELD_NVLINK_RX_KIB = 139
FIELD_NVLINK_COUNT = 91
FIELD_NVLINK_SPEED_MBPS = 90
ALL_LINKS = 0xFFFFFFFF

#: GPM metric ids. Mind the order: PCIe is TX, RX and NVLink is RX, TX.
GPM_SM_UTIL = 2
GPM_ANY_TENSOR = 5
GPM_DRAM_BANDWIDTH = 10
GPM_PCIE_TX_MIB = 20
GPM_PCIE_RX_MIB = 21
GPM_NVLINK_RX = 60
GPM_NVLINK_TX = 61
#: The library writes up to as many metrics as its own header allows (333 in 13.3), so there is room for more.
GPM_CAPACITY = 400

NO_INSTANCE = 0xFFFFFFFF
MEMORY_NOT_KNOWN = (1 << 64) - 1

#: Bytes per second of one PCIe lane, by generation.
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


class ProcessInfo(ctypes.Structure):
    """As `_v3` functions give it, but for some drivers of 535: see ProcessInfoOf535."""

    _fields_ = [
        ("pid", ctypes.c_uint),
        ("memory", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


class ProcessInfoOf535(ctypes.Structure):
    """535.43 to 535.86 put one more field behind it."""

    _fields_ = [*ProcessInfo._fields_, ("protected_memory", ctypes.c_ulonglong)]


class PciInfo(ctypes.Structure):
    _fields_ = [
        ("bus_id_legacy", ctypes.c_char * 16),
        ("domain", ctypes.c_uint),
        ("bus", ctypes.c_uint),
        ("device", ctypes.c_uint),
        ("device_id", ctypes.c_uint),
        ("subsystem_id", ctypes.c_uint),
        ("bus_id", ctypes.c_char * 32),
    ]


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

Handle = ctypes.c_void_p
Pointer = ctypes.POINTER(ctypes.c_uint)
IntPointer = ctypes.POINTER(ctypes.c_int)
LongPointer = ctypes.POINTER(ctypes.c_ulonglong)

SIGNATURES: Dict[str, Tuple[Any, ...]] = {
    "nvmlInit_v2": (),
    "nvmlShutdown": (),
    "nvmlSystemGetDriverVersion": (ctypes.c_char_p, ctypes.c_uint),
    "nvmlSystemGetNVMLVersion": (ctypes.c_char_p, ctypes.c_uint),
    "nvmlSystemGetCudaDriverVersion_v2": (IntPointer,),
    "nvmlDeviceGetCount_v2": (Pointer,),
    "nvmlDeviceGetHandleByIndex_v2": (ctypes.c_uint, ctypes.POINTER(Handle)),
    "nvmlDeviceGetName": (Handle, ctypes.c_char_p, ctypes.c_uint),
    "nvmlDeviceGetUUID": (Handle, ctypes.c_char_p, ctypes.c_uint),
    "nvmlDeviceGetPciInfo_v3": (Handle, ctypes.POINTER(PciInfo)),
    "nvmlDeviceGetCudaComputeCapability": (Handle, IntPointer, IntPointer),
    "nvmlDeviceGetMemoryInfo": (Handle, ctypes.POINTER(Memory)),
    "nvmlDeviceGetMemoryInfo_v2": (Handle, ctypes.POINTER(MemoryV2)),
    "nvmlDeviceGetEnforcedPowerLimit": (Handle, Pointer),
    "nvmlDeviceGetUtilizationRates": (Handle, ctypes.POINTER(Utilization)),
    "nvmlDeviceGetPowerUsage": (Handle, Pointer),
    "nvmlDeviceGetTotalEnergyConsumption": (Handle, LongPointer),
    "nvmlDeviceGetTotalEccErrors": (Handle, ctypes.c_int, ctypes.c_int, LongPointer),
    "nvmlDeviceGetClockInfo": (Handle, ctypes.c_int, Pointer),
    "nvmlDeviceGetMaxClockInfo": (Handle, ctypes.c_int, Pointer),
    "nvmlDeviceGetTemperature": (Handle, ctypes.c_int, Pointer),
    "nvmlDeviceGetTemperatureThreshold": (Handle, ctypes.c_int, Pointer),
    "nvmlDeviceGetCurrentClocksEventReasons": (Handle, LongPointer),
    "nvmlDeviceGetCurrentClocksThrottleReasons": (Handle, LongPointer),
    "nvmlDeviceGetMaxPcieLinkGeneration": (Handle, Pointer),
    "nvmlDeviceGetMaxPcieLinkWidth": (Handle, Pointer),
    "nvmlDeviceGetPcieThroughput": (Handle, ctypes.c_int, Pointer),
    "nvmlDeviceGetFieldValues": (Handle, ctypes.c_int, ctypes.POINTER(FieldValue)),
    "nvmlDeviceGetSamples": (
        Handle,
        ctypes.c_int,
        ctypes.c_ulonglong,
        IntPointer,
        Pointer,
        ctypes.POINTER(Sample),
    ),
    "nvmlDeviceGetComputeRunningProcesses_v3": (Handle, Pointer, ctypes.c_void_p),
    "nvmlDeviceGetMigMode": (Handle, Pointer, Pointer),
    "nvmlDeviceGetMaxMigDeviceCount": (Handle, Pointer),
    "nvmlDeviceGetMigDeviceHandleByIndex": (Handle, ctypes.c_uint, ctypes.POINTER(Handle)),
    "nvmlDeviceGetGpuInstanceId": (Handle, Pointer),
    "nvmlDeviceGetComputeInstanceId": (Handle, Pointer),
    "nvmlDeviceGetTopologyCommonAncestor": (Handle, Handle, IntPointer),
    "nvmlDeviceGetNvLinkState": (Handle, ctypes.c_uint, Pointer),
    "nvmlDeviceGetNvLinkRemotePciInfo_v2": (Handle, ctypes.c_uint, ctypes.POINTER(PciInfo)),
    "nvmlDeviceGetNvLinkRemoteDeviceType": (Handle, ctypes.c_uint, IntPointer),
    "nvmlGpmQueryDeviceSupport": (Handle, ctypes.POINTER(GpmSupport)),
    "nvmlGpmSampleAlloc": (ctypes.POINTER(ctypes.c_void_p),),
    "nvmlGpmSampleFree": (ctypes.c_void_p,),
    "nvmlGpmSampleGet": (Handle, ctypes.c_void_p),
    "nvmlGpmMigSampleGet": (Handle, ctypes.c_uint, ctypes.c_void_p),
    "nvmlGpmMetricsGet": (ctypes.POINTER(GpmMetricsGet),),
}
