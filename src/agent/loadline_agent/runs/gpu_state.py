"""GPUs as they are now: memory in use and the processes on them. Read in a process of its own each time: NVML must not be
open across a fork, and a driver that hangs is left behind."""

import json
import os
import signal
import time
from typing import Any, Callable, List, NamedTuple, Optional

from ..devices import open_device
from ..devices.nvidia_smi import NvidiaSmiDevice
from ..devices.nvml.device import NvmlDevice
from ..processes import default_signals, die_with, signal_if_there
from ..sampling.reading import Unavailable, Unsupported

SECONDS = 20.0


class GpuState(NamedTuple):
    index: int
    used_bytes: Optional[int]
    #: GpuProcess each; None where the driver lists none.
    processes: Optional[List[dict]]


def gpu_states(indices: List[int], wait: Callable[[float], Any] = time.sleep) -> Optional[List[GpuState]]:
    """None where no driver is to be asked, or it does not answer. `wait`: how to let time pass meanwhile."""
    reading, writing = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reading)
        answer(parent, writing, indices)
    os.close(writing)
    os.set_blocking(reading, False)
    said, end = b"", time.monotonic() + SECONDS
    try:
        while time.monotonic() < end:
            try:
                part = os.read(reading, 1 << 16)
            except BlockingIOError:
                wait(0.02)
                continue
            if not part:
                break
            said += part
    finally:
        os.close(reading)
        signal_if_there(child, signal.SIGKILL)
        os.waitpid(child, 0)
    try:
        states = json.loads(said.decode())
    except ValueError:
        return None
    return [GpuState(*state) for state in states] if states is not None else None


def answer(parent: int, writing: int, indices: List[int]) -> None:
    """In the child; never returns."""
    try:
        default_signals()
        die_with(parent)
        os.write(writing, json.dumps(read(indices)).encode())
    finally:
        os._exit(0)


def read(indices: List[int]) -> Optional[List[GpuState]]:
    device = open_device({"kind": "auto"}, indices)
    try:
        if isinstance(device, NvmlDevice):
            return [of_nvml(device, index) for index in indices]
        if isinstance(device, NvidiaSmiDevice):
            return of_nvidia_smi(device, indices)
        return None
    finally:
        device.close()


def of_nvml(device: NvmlDevice, index: int) -> GpuState:
    """Instances of a divided GPU count with it: their processes are listed by themselves."""
    units = [unit for unit in device.units if unit.index == index]
    whole = next((unit for unit in units if unit.parent is None), None)
    found: List[dict] = []
    known = False
    for unit in units:
        try:
            found += unit.processes()
            known = True
        except (Unsupported, Unavailable):
            continue
    return GpuState(index, whole.memory()["used"] if whole else None, found if known else None)


def of_nvidia_smi(device: NvidiaSmiDevice, indices: List[int]) -> List[GpuState]:
    used, processes = device.memory_used(), device.compute_processes()
    uuids = {gpu["index"]: gpu["uuid"] for gpu in device.gpus()}
    return [GpuState(index, used.get(index), processes.get(uuids.get(index, ""), [])) for index in indices]
