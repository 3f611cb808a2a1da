"""What this host is: GPUs, driver, CPU, memory, disk, and the engines in PATH."""

import glob
import os
import platform
import shutil
import socket
from typing import Any, Dict, List, Optional

from .devices import open_device
from .home import home_path
from .host import memory_total_bytes

#: Engine -> (command, name of its Python distribution, whose metadata tells the version without importing torch).
ENGINES = (
    ("vllm", "vllm", "vllm"),
    ("sglang", "sglang", "sglang"),
    ("tensorrt-llm", "trtllm-serve", "tensorrt_llm"),
    ("lmdeploy", "lmdeploy", "lmdeploy"),
    ("llama.cpp", "llama-server", None),
    ("tgi", "text-generation-launcher", None),
    ("triton", "tritonserver", None),
)


def probe_host() -> dict:
    return {"type": "probe", **host_facts(), **gpu_facts()}


def gpu_facts() -> Dict[str, Any]:
    device = open_device({"kind": "auto"})
    try:
        return {
            "gpuSource": device.source,
            "driver": device.driver,
            "cuda": device.cuda,
            "gpus": device.gpus(),
        }
    finally:
        device.close()


def host_facts() -> Dict[str, Any]:
    """All but the GPUs: nothing here asks a driver, which may hang."""
    return {
        "hostname": socket.gethostname(),
        "python": platform.python_version(),
        "os": os_name(),
        "cpuCount": cpu_count(),
        "memoryTotalBytes": memory_total_bytes(),
        "freeDiskBytes": free_disk_bytes(),
        "engines": find_engines(),
    }


def os_name() -> str:
    try:
        with open("/etc/os-release") as file:
            fields = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
        return fields["PRETTY_NAME"].strip("\"'")
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def cpu_count() -> int:
    """CPUs this process may use, which in a container or a Slurm job is not all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_disk_bytes() -> Optional[int]:
    """Where runs are kept, or in the nearest folder above that exists."""
    path = home_path()
    while not os.path.exists(path):
        path = os.path.dirname(path)
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


def find_engines() -> List[dict]:
    found = []
    for name, command, distribution in ENGINES:
        path = shutil.which(command)
        if path:
            version = installed_version(path, distribution) if distribution else None
            found.append({"name": name, "version": version, "path": path})
    return found


def installed_version(command: str, distribution: str) -> Optional[str]:
    """Version by the `.dist-info` folder of the environment that `command` stands in."""
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(command)))
    for packages in ("lib/python3*/site-packages", "lib/python3*/dist-packages", "lib/python3/dist-packages"):
        for path in glob.glob(os.path.join(glob.escape(prefix), packages, f"{distribution}-*.dist-info")):
            return os.path.basename(path)[len(distribution) + 1 : -len(".dist-info")]
    return None
