"""The two clocks that every record carries. Monotonic time is the host's, shared by all its processes."""

import time


def monotonic_ms() -> float:
    return round(time.monotonic() * 1000, 3)


def wall_ms() -> float:
    return round(time.time() * 1000, 3)


def boot_id() -> str:
    """Tells one boot from the next: monotonic times of different boots do not compare."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        # No /proc: the moment of boot, to ten seconds, stands in for it.
        return f"boot-at-{round((time.time() - time.monotonic()) / 10) * 10}"
