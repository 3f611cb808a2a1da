"""One GPU, or one instance of a GPU in MIG mode: what it is, and its memory and processes."""

import ctypes
from typing import Any, Dict, List, Optional

from ...processes import process_name, process_user
from ..unavailable import DeviceUnavailable
from . import structs
from .counters import nvlink_peak, pcie_bytes_per_second, pcie_link
from .library import Library, meaning
from .structs import SUCCESS, Handle, Memory, MemoryV2, ProcessInfo, ProcessInfoOf535


class Gpu:
    """`parent`: the whole GPU, of an instance. Its `index` is that of the whole GPU, as nvidia-smi counts."""

    def __init__(self, library: Library, index: int, handle: Any, parent: "Optional[Gpu]" = None) -> None:
        self.library = library
        self.index = index
        self.handle = handle
        self.parent = parent
        self.instance = library.number("nvmlDeviceGetGpuInstanceId", handle) if parent else None
        self.uuid = library.text("nvmlDeviceGetUUID", handle) or ""

    @staticmethod
    def open(library: Library, index: int) -> "List[Gpu]":
        """The GPU, then its MIG instances."""
        handle = Handle()
        code = library.call("nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(handle))
        if code != SUCCESS:
            raise DeviceUnavailable(f"GPU {index} cannot be opened: {meaning(code)}")
        whole = Gpu(library, index, handle)
        return [whole, *whole.instances()]

    def instances(self) -> "List[Gpu]":
        if not self.is_divided():
            return []
        found = []
        for position in range(self.library.number("nvmlDeviceGetMaxMigDeviceCount", self.handle) or 0):
            handle = Handle()
            # Not every place has an instance.
            code = self.library.call("nvmlDeviceGetMigDeviceHandleByIndex", self.handle, position, ctypes.byref(handle))
            if code == SUCCESS:
                found.append(Gpu(self.library, self.index, handle, parent=self))
        return found

    def is_divided(self) -> bool:
        current, pending = ctypes.c_uint(), ctypes.c_uint()
        code = self.library.call("nvmlDeviceGetMigMode", self.handle, ctypes.byref(current), ctypes.byref(pending))
        return code == SUCCESS and current.value == 1

    def about(self) -> dict:
        """ProbedGpu."""
        library, whole = self.library, (self.parent or self).handle
        memory = self.memory()
        limit = library.number("nvmlDeviceGetEnforcedPowerLimit", whole)
        found: Dict[str, Any] = {
            "index": self.index,
            "uuid": self.uuid,
            "name": library.text("nvmlDeviceGetName", self.handle) or "",
            "memoryTotalBytes": memory["total"] or 0,
            "memoryUsedBytes": memory["used"],
            "powerLimitWatts": limit / 1000 if limit is not None else None,
            "memoryReservedBytes": memory["reserved"],
            "computeCapability": self._capability(),
            "smClockMaxMHz": library.number("nvmlDeviceGetMaxClockInfo", whole, structs.CLOCK_SM),
            "slowdownCelsius": library.number("nvmlDeviceGetTemperatureThreshold", whole, structs.THRESHOLD_SLOWDOWN),
            "links": self._links(whole),
        }
        if self.parent is not None:
            found["mig"] = {
                "parentUuid": self.parent.uuid,
                "gpuInstance": self.instance or 0,
                "computeInstance": library.number("nvmlDeviceGetComputeInstanceId", self.handle) or 0,
            }
        return found

    def _capability(self) -> Optional[str]:
        major, minor = ctypes.c_int(), ctypes.c_int()
        code = self.library.call(
            "nvmlDeviceGetCudaComputeCapability",
            (self.parent or self).handle,
            ctypes.byref(major),
            ctypes.byref(minor),
        )
        return f"{major.value}.{minor.value}" if code == SUCCESS else None

    def _links(self, whole: Any) -> dict:
        generation, lanes = pcie_link(self.library, whole)
        pcie = pcie_bytes_per_second(self.library, whole)
        nvlinks, nvlink = nvlink_peak(self.library, whole)
        return {
            "pcieGeneration": generation,
            "pcieLanes": lanes,
            "pcieBytesPerSecond": round(pcie) if pcie else None,
            "nvlinks": nvlinks,
            "nvlinkBytesPerSecond": nvlink,
        }

    def memory(self) -> Dict[str, Optional[int]]:
        """total, used, reserved in bytes. Version 2 leaves out of `used` what the driver reserves, as nvidia-smi does."""
        memory = MemoryV2(version=structs.MEMORY_V2_VERSION)
        if self.library.call("nvmlDeviceGetMemoryInfo_v2", self.handle, ctypes.byref(memory)) == SUCCESS:
            return {"total": memory.total, "used": memory.used, "reserved": memory.reserved}
        older = Memory()
        if self.library.call("nvmlDeviceGetMemoryInfo", self.handle, ctypes.byref(older)) == SUCCESS:
            return {"total": older.total, "used": older.used, "reserved": None}
        return {"total": None, "used": None, "reserved": None}

    def memory_used(self) -> List[Optional[int]]:
        memory = MemoryV2(version=structs.MEMORY_V2_VERSION)
        if self.library.call("nvmlDeviceGetMemoryInfo_v2", self.handle, ctypes.byref(memory)) == SUCCESS:
            return [memory.used]
        older = Memory()
        self.library.demand("nvmlDeviceGetMemoryInfo", self.handle, ctypes.byref(older))
        return [older.used]

    def processes(self) -> List[dict]:
        """GpuProcess. NVML counts processes as the host does; one that cannot be looked up here has no name and no user."""
        kind = ProcessInfo
        if self.library.has("nvmlDeviceGetConfComputeMemSizeInfo") and not self.library.has(
            "nvmlDeviceGetRunningProcessDetailList"
        ):
            kind = ProcessInfoOf535
        capacity = 64
        while True:
            count, found = ctypes.c_uint(capacity), (kind * capacity)()
            code = self.library.call(
                "nvmlDeviceGetComputeRunningProcesses_v3", self.handle, ctypes.byref(count), ctypes.byref(found)
            )
            if code != structs.INSUFFICIENT_SIZE or capacity >= 4096:
                break
            capacity *= 4
        if code != SUCCESS:
            self.library.demand(
                "nvmlDeviceGetComputeRunningProcesses_v3", self.handle, ctypes.byref(count), ctypes.byref(found)
            )
        return [
            {
                "pid": process.pid,
                "name": process_name(process.pid),
                "memoryBytes": process.memory if process.memory != structs.MEMORY_NOT_KNOWN else None,
                **process_user(process.pid),
            }
            for process in found[: count.value]
        ]
