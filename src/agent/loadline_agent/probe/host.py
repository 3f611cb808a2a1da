"""What this host is, but for its GPUs: nothing here asks a driver, which may hang."""

import os
import platform
import shutil
import socket
from typing import Any, Dict, List, Optional

from ..home import home_path
from ..host import memory_total_bytes
from .programs import engines_in_path


def host_facts() -> Dict[str, Any]:
    """As far as a run needs it: quick, and of engines those in PATH."""
    return {
        "hostname": socket.gethostname(),
        "python": platform.python_version(),
        "os": os_name(),
        "cpuCount": cpu_count(),
        "memoryTotalBytes": memory_total_bytes(),
        "freeDiskBytes": free_disk_bytes(),
        "engines": engines_in_path(),
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


def disk_space() -> List[dict]:
    """DiskSpace of where runs, models and temporary files are kept."""
    from .models import hub_cache

    found = []
    for use, wanted in (("home", home_path()), ("models", hub_cache()), ("temporary", temporary_folder())):
        path = wanted
        while not os.path.exists(path):
            path = os.path.dirname(path)
        usage = shutil.disk_usage(path)
        found.append({"use": use, "path": wanted, "freeBytes": usage.free, "totalBytes": usage.total})
    return found


def temporary_folder() -> str:
    return os.environ.get("TMPDIR") or "/tmp"
