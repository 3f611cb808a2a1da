"""Where GPU readings come from."""

import os
from typing import Optional

from ..errors import AgentError
from .device import Device
from .none import NoDevice
from .nvml import NvmlDevice, NvmlUnavailable
from .recorded import RecordedDevice

#: What `auto` stands for, where a demonstration or a test says so: `recorded:<name>` or `none`.
OVERRIDE = "LOADLINE_DEVICE"


def open_device(source: dict, indices: Optional[list] = None) -> Device:
    """`source` is a DeviceSource. `indices` narrows NVML to the GPUs of a run."""
    if source["kind"] == "recorded":
        return RecordedDevice(source["name"])
    override = os.environ.get(OVERRIDE, "") if source["kind"] == "auto" else ""
    if override.startswith("recorded:"):
        return RecordedDevice(override[len("recorded:") :])
    if override == "none":
        return NoDevice()
    try:
        return NvmlDevice(indices)
    except NvmlUnavailable as error:
        if source["kind"] == "auto":
            return NoDevice()
        raise AgentError(
            "no-gpu",
            f"NVML cannot be used on this host: {error}. Check that `nvidia-smi` works here, or choose the device `auto`.",
        ) from error
