"""CPU, memory and network of the host. From /proc where there is one; not known (None) where there is not."""

import os
import time
from typing import Dict, List, Optional, Tuple


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


#: Over less than this, counters that move a hundred times a second say nothing: what they give is not known, not 0.
SHORTEST_SECONDS = 0.05


class HostSampler:
    """cpuPercent (of all CPUs together) and network traffic since the last call, and memoryUsedBytes (total less available)."""

    columns = ("cpuPercent", "memoryUsedBytes", "networkTxBytesPerSecond", "networkRxBytesPerSecond")

    def __init__(self) -> None:
        self._last = cpu_times()
        self._network = network_bytes()
        self._at = time.monotonic()

    def read(self) -> list:
        memory = memory_info()
        used = (
            memory["MemTotal"] - memory["MemAvailable"] if "MemTotal" in memory and "MemAvailable" in memory else None
        )
        at, before = time.monotonic(), self._at
        if at - before < SHORTEST_SECONDS:
            return [None, used, None, None]
        self._at = at
        now, last = cpu_times(), self._last
        self._last = now
        percent = None
        if now and last and now[1] > last[1]:
            percent = round(100 * (now[0] - last[0]) / (now[1] - last[1]), 1)
        return [percent, used, *self._network_rates(at - before)]

    def _network_rates(self, seconds: float) -> List[Optional[int]]:
        """[sent, received] bytes/s. Not known where an interface came or went: its counter would be taken for traffic."""
        now, last = network_bytes(), self._network
        self._network = now
        if not now or seconds <= 0 or now.keys() != last.keys():
            return [None, None]
        return [max(0, round(sum(now[name][way] - last[name][way] for name in now) / seconds)) for way in range(2)]


def cpu_times() -> Optional[Tuple[int, int]]:
    """(busy, all) in clock ticks since boot. Guest time is part of user time already; waiting for disks is not busy."""
    try:
        with open("/proc/stat") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    total = sum(ticks)
    return total - ticks[3] - ticks[4], total


def network_bytes() -> Dict[str, Tuple[int, int]]:
    """Interface -> (sent, received). Those of hardware where there are any: bridges and tunnels would count twice."""
    try:
        with open("/proc/net/dev") as file:
            lines = [line.partition(":") for line in file if ":" in line]
    except OSError:
        return {}
    found = {}
    for name, _, counters in lines:
        words = counters.split()
        if len(words) >= 9 and name.strip() != "lo":
            found[name.strip()] = (int(words[8]), int(words[0]))
    real = {name: counted for name, counted in found.items() if os.path.exists(f"/sys/class/net/{name}/device")}
    return real or found
