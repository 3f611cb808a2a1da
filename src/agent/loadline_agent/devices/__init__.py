"""Where GPU readings come from: the best rung of a ladder that this host has."""

import os
from typing import Callable, List, Optional, Tuple

from ..errors import AgentError
from .amd_sysfs import AmdSysfsDevice
from .device import Device
from .none import NoDevice
from .nvidia_smi import NvidiaSmiDevice
from .nvml.device import NvmlDevice
from .recorded import RecordedDevice
from .unavailable import DeviceUnavailable

#: What `auto` stands for, where a demonstration or a test says so: `recorded:<name>`, `none` or one of the ladder.
OVERRIDE = "LOADLINE_DEVICE"

REMEDIES = {
    "nvml": "Check that `nvidia-smi` works here, or choose the device `auto`.",
    "nvidia-smi": "Check that `nvidia-smi` works here, or choose the device `auto`.",
    "amd-sysfs": "Check that the amdgpu driver is loaded, or choose the device `auto`.",
}


def open_device(source: dict, indices: Optional[list] = None) -> Device:
    """`source` is a DeviceSource. `indices` narrows a driver's GPUs to those of a run."""
    if source["kind"] == "recorded":
        return RecordedDevice(source["name"])
    override = os.environ.get(OVERRIDE, "") if source["kind"] == "auto" else ""
    if override.startswith("recorded:"):
        return RecordedDevice(override[len("recorded:") :])
    if override == "none":
        return NoDevice(f"{OVERRIDE} says none")
    if override in REMEDIES:
        source = {"kind": override}
    refused: List[str] = []
    for kind, make in rungs(indices):
        if source["kind"] not in ("auto", kind):
            continue
        try:
            device = make()
        except DeviceUnavailable as error:
            refused.append(f"{kind}: {error}")
            continue
        if refused:
            device.detail = f"{device.detail} ({'; '.join(refused)})"
        return device
    if source["kind"] == "auto":
        return NoDevice("; ".join(refused))
    kind = source["kind"]
    raise AgentError("no-gpu", f"{refused[0]}. {REMEDIES[kind]}")


def rungs(indices: Optional[list]) -> List[Tuple[str, Callable[[], Device]]]:
    """Best first."""
    return [
        ("nvml", lambda: NvmlDevice(indices)),
        ("nvidia-smi", lambda: NvidiaSmiDevice(indices)),
        ("amd-sysfs", lambda: AmdSysfsDevice(indices)),
    ]
