"""The agent's sampler on 8 recorded GPUs: `python3 test/bench/telemetry.py [seconds]`, prints one JSON line.

The devices are NVML calls that take as long as they took on a real H200, busy and not asleep (test/agent/recorded_nvml.py).
Needs PYTHONPATH=src/agent:test/agent.
"""

import json
import os
import subprocess
import sys
import threading
import time
from unittest import mock

INTERVAL_MS = 100
GPUS = 8


def sample(pace):
    """The `sample` verb as it is, on the recorded library."""
    from loadline_agent.devices.nvml import library
    from loadline_agent.sampling.verb import sample_to_stdout
    from loadline_agent.wire import read_request
    from recorded_nvml import RecordedNvml

    with mock.patch.object(library, "load_library", RecordedNvml(GPUS, pace).library):
        sample_to_stdout(read_request())


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(seconds, pace, mode="live"):
    child = subprocess.Popen(
        [sys.executable, __file__, "sample", str(pace)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    request = {
        "intervalMs": INTERVAL_MS,
        "device": {"kind": "nvml"},
        "durationMs": seconds * 1000,
        "mode": mode,
    }
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.flush()
    lines, size, header = [], 0, 0
    for line in child.stdout:
        header = header or len(line)
        size += len(line)
        lines.append(json.loads(line.decode()))
    child.stdin.close()
    child.stdout.close()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = status
    records = [line for line in lines if line["type"] == "telemetry"]
    missed = sum(line["missedTicks"] for line in lines if line["type"] == "telemetry-gap")
    interval = lines[0]["intervalMs"]
    late = [record["lateMs"] for record in records]
    return {
        "mode": mode,
        "gpus": GPUS,
        "ticksPerSecond": round(1000 / interval, 1),
        "ticks": len(records),
        "missedTicks": missed,
        "unreportedTicks": round(seconds * 1000 / interval) - len(records) - missed,
        "lateMs": {"p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "max": max(late)},
        "headerBytes": header,
        "bytesPerSecond": round((size - header) / seconds),
        "memoryMB": round(used.ru_maxrss / 1024, 1),
        "cpuPercent": round(100 * (used.ru_utime + used.ru_stime) / seconds, 1),
        "columns": len(lines[0]["gpuColumns"]),
    }


class SleepingLoop:
    """How late this machine is, whatever the agent does: wakes at the same deadlines and reads nothing."""

    def __init__(self):
        self.late = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        start, tick = time.monotonic(), 0
        while not self._ended.is_set():
            deadline = start + tick * INTERVAL_MS / 1000
            time.sleep(max(0.0, deadline - time.monotonic()))
            self.late.append((time.monotonic() - deadline) * 1000)
            tick = max(tick + 1, int((time.monotonic() - start) * 1000 / INTERVAL_MS) + 1)

    def end(self):
        self._ended.set()
        self._thread.join()
        return {"p50": percentile(self.late, 0.5), "p99": percentile(self.late, 0.99), "max": max(self.late)}


def main():
    if sys.argv[1:2] == ["sample"]:
        sample(float(sys.argv[2]))
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    loop = SleepingLoop()
    recorded = measure(seconds, 1.0)
    sleeping = loop.end()
    result = {
        "bench": "telemetry",
        "seconds": seconds,
        "recorded": recorded,
        "sleepingLoop": sleeping,
        "withoutCalls": measure(seconds, 0.0),
        "quiet": measure(seconds, 1.0, "quiet"),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
