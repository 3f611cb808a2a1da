"""CPU and memory of the host. From /proc where there is one; not known (None) where there is not."""

import os
from typing import Dict, Optional, Tuple


def memory_info() -> Dict[str, int]:
    """/proc/meminfo in bytes."""
    try:
        with open("/proc/meminfo") as file:
            lines = [line.split() for line in file]
    except OSError:
        return {}
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) == 3}


def memory_total_bytes() -> Optional[int]:
    total = memory_info().get("MemTotal")
    if total is None:
        try:
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError):
            return None
    return total


class HostSampler:
    """cpuPercent (of all CPUs together, since the last call) and memoryUsedBytes (total less available)."""

    columns = ("cpuPercent", "memoryUsedBytes")

    def __init__(self) -> None:
        self._last = cpu_times()

    def read(self) -> list:
        now, last = cpu_times(), self._last
        self._last = now
        percent = None
        if now and last and now[1] > last[1]:
            percent = round(100 * (now[0] - last[0]) / (now[1] - last[1]), 1)
        memory = memory_info()
        used = (
            memory["MemTotal"] - memory["MemAvailable"] if "MemTotal" in memory and "MemAvailable" in memory else None
        )
        return [percent, used]


def cpu_times() -> Optional[Tuple[int, int]]:
    """(busy, all) in clock ticks since boot. Guest time is part of user time already; waiting for disks is not busy."""
    try:
        with open("/proc/stat") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    total = sum(ticks)
    return total - ticks[3] - ticks[4], total
