"""GPUs: as the driver has them, as a CUDA program would see them, how they are connected, and who is on them."""

import ctypes
import os
from typing import Any, Dict, List, Optional

from ..devices import open_device
from ..devices.nvml import structs
from ..devices.nvml.device import NvmlDevice
from ..devices.nvml.gpu import Gpu
from ..devices.nvml.structs import SUCCESS, PciInfo
from ..sampling.reading import Unavailable, Unsupported

#: nvmlGpuTopologyLevel_t -> as `nvidia-smi topo -m` has it.
PATHS = {0: "internal", 10: "PIX", 20: "PXB", 30: "PHB", 40: "NODE", 50: "SYS"}
MOST_NVLINKS = 18
REMOTE_SWITCH = 2

CUDA_NOTE = (
    "Total: NVML's total less what the driver reserves (on an H200 139.80 GiB, which is what CUDA printed). "
    "Free: as NVML has it; CUDA's own context comes out of it."
)


def gpu_facts(brief: bool = False) -> Dict[str, Any]:
    device = open_device({"kind": "auto"})
    try:
        gpus = device.gpus()
        found: Dict[str, Any] = {
            "gpuSource": device.source,
            "gpuDetail": device.detail,
            "driver": device.driver,
            "cuda": device.cuda,
            "gpus": gpus,
        }
        if brief or not isinstance(device, NvmlDevice):
            return found
        return {
            **found,
            "cudaView": cuda_view(gpus, dict(os.environ)),
            "topology": topology(device.units),
            "processes": processes(device.units),
        }
    finally:
        device.close()


def cuda_view(gpus: List[dict], environment: Dict[str, str]) -> dict:
    """CudaView, by the rules of CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER (CUDA programming guide, environment variables)."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    by_bus = environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    divided = {gpu["mig"]["parentUuid"] for gpu in gpus if "mig" in gpu}
    # A divided GPU is seen by its instances alone.
    whole = [gpu for gpu in gpus if "mig" not in gpu and gpu["uuid"] not in divided]
    instances = [gpu for gpu in gpus if "mig" in gpu]
    note = CUDA_NOTE
    if not by_bus and len({gpu["name"] for gpu in whole}) > 1:
        note += " The GPUs differ, and CUDA's default order begins with the fastest: the order here is a guess. Set CUDA_DEVICE_ORDER=PCI_BUS_ID."
        whole = sorted(whole, key=lambda gpu: float(gpu.get("computeCapability") or 0), reverse=True)
    if instances:
        note += " A process uses one MIG instance: the first, unless CUDA_VISIBLE_DEVICES names another."
    chosen = whole or instances[:1]
    if visible is not None:
        chosen = chosen_gpus(visible, whole, instances)
    devices = []
    for ordinal, gpu in enumerate(chosen):
        total, reserved, used = gpu["memoryTotalBytes"], gpu.get("memoryReservedBytes"), gpu["memoryUsedBytes"]
        usable = total - reserved if total and reserved is not None else None
        devices.append(
            {
                "ordinal": ordinal,
                "uuid": gpu["uuid"],
                "name": gpu["name"],
                "totalBytes": usable,
                "freeBytes": usable - used if usable is not None and used is not None else None,
            }
        )
    return {
        "visibleDevices": visible,
        "order": "pci" if by_bus else "fastest-first",
        "devices": devices,
        "note": note,
    }


def chosen_gpus(visible: str, whole: List[dict], instances: List[dict]) -> List[dict]:
    """Numbers count whole GPUs; uuids may be cut short where that is clear. What follows a word that names none is not seen."""
    chosen: List[dict] = []
    for word in (part.strip() for part in visible.split(",")):
        gpu: Optional[dict] = None
        if word.isdigit():
            gpu = whole[int(word)] if int(word) < len(whole) else None
        elif word.startswith(("GPU-", "MIG-")):
            alike = [one for one in (*whole, *instances) if one["uuid"].startswith(word)]
            gpu = alike[0] if len(alike) == 1 else None
        if gpu is None or gpu in chosen:
            break
        chosen.append(gpu)
        if "mig" in gpu:
            break
    return chosen


def topology(units: List[Gpu]) -> List[dict]:
    """GpuConnection of each pair of whole GPUs."""
    whole = [(position, unit) for position, unit in enumerate(units) if unit.parent is None]
    links = {position: nvlinks_of(unit) for position, unit in whole}
    found = []
    for place, (first, unit) in enumerate(whole):
        for second, other in whole[place + 1 :]:
            level = unit.library.number(
                "nvmlDeviceGetTopologyCommonAncestor", unit.handle, other.handle, of=ctypes.c_int
            )
            direct = links[first]["by_bus"].get(bus_of(other), 0)
            switched = min(links[first]["switch"], links[second]["switch"])
            found.append(
                {
                    "from": first,
                    "to": second,
                    "path": PATHS.get(level) if level is not None else None,
                    "nvlinks": direct or switched,
                    "throughSwitch": direct == 0 and switched > 0,
                }
            )
    return found


def nvlinks_of(unit: Gpu) -> Dict[str, Any]:
    """`by_bus`: active links straight to the device at a bus id; `switch`: to switches."""
    library, found = unit.library, {"by_bus": {}, "switch": 0}
    for link in range(MOST_NVLINKS):
        if library.number("nvmlDeviceGetNvLinkState", unit.handle, link) != 1:
            continue
        kind = library.number("nvmlDeviceGetNvLinkRemoteDeviceType", unit.handle, link, of=ctypes.c_int)
        if kind == REMOTE_SWITCH:
            found["switch"] += 1
            continue
        remote = PciInfo()
        if library.call("nvmlDeviceGetNvLinkRemotePciInfo_v2", unit.handle, link, ctypes.byref(remote)) == SUCCESS:
            bus = remote.bus_id.lower()
            found["by_bus"][bus] = found["by_bus"].get(bus, 0) + 1
    return found


def bus_of(unit: Gpu) -> Optional[bytes]:
    own = PciInfo()
    code = unit.library.call("nvmlDeviceGetPciInfo_v3", unit.handle, ctypes.byref(own))
    return own.bus_id.lower() if code == structs.SUCCESS else None


def processes(units: List[Gpu]) -> List[dict]:
    """ProbedProcesses of GPUs that have some. A list that is not to be had is left out."""
    found = []
    for position, unit in enumerate(units):
        try:
            running = unit.processes()
        except (Unsupported, Unavailable):
            continue
        if running:
            found.append({"gpu": position, "processes": running})
    return found
