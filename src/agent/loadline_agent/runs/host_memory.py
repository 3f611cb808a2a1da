"""Whether the kernel killed something for want of host memory. Its log is an administrator's to read; its counters are not."""

import re
from typing import List, Optional

COUNT = re.compile(r"^oom_kill (\d+)$", re.M)


def kills_of_memory() -> Optional[int]:
    """Kills in this process's control group so far; None where no counter is to be read."""
    for path in counters():
        try:
            with open(path, encoding="ascii") as file:
                found = COUNT.search(file.read())
        except (OSError, UnicodeDecodeError):
            continue
        if found:
            return int(found.group(1))
    return None


def counters() -> List[str]:
    """Files of the control group, version 2 and 1; in a container it stands at the root."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            groups = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return []
    found = []
    for group in groups:
        if len(group) != 3:
            continue
        _, controllers, path = group
        if controllers == "":
            found += [f"/sys/fs/cgroup{path}/memory.events", "/sys/fs/cgroup/memory.events"]
        elif "memory" in controllers.split(","):
            found += [f"/sys/fs/cgroup/memory{path}/memory.oom_control", "/sys/fs/cgroup/memory/memory.oom_control"]
    return found
