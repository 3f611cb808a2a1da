"""NVML whose calls take as long as they took on a real H200, busy and not asleep (test/fixtures/telemetry/h200-nvml-calls.json).

What it answers is made up; how long it takes is recorded: a call takes its median, and once each 100 ms its longest, as the
library's cache runs out (docs/telemetry.md).
"""

import json
import math
import os
import time

from fake_nvml import FakeLibrary

COSTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "telemetry", "h200-nvml-calls.json")
REFRESH_SECONDS = 0.1

#: Function -> name of its recorded cost; with what is asked for, where one function has several.
CALLS = {
    "nvmlDeviceGetUtilizationRates": "util",
    "nvmlDeviceGetMemoryInfo": "mem",
    "nvmlDeviceGetMemoryInfo_v2": "mem_v2",
    "nvmlDeviceGetPcieThroughput": "pcie_tx",
    "nvmlDeviceGetPowerUsage": "power",
    "nvmlDeviceGetTotalEnergyConsumption": "energy",
    "nvmlDeviceGetTemperature": "temp",
    "nvmlDeviceGetClockInfo": "clk_sm",
    "nvmlDeviceGetCurrentClocksEventReasons": "reasons",
    "nvmlDeviceGetComputeRunningProcesses_v3": "procs",
    "nvmlDeviceGetMigMode": "mig",
    "nvmlGpmSampleGet": "gpm_sample",
    "nvmlDeviceGetSamples/0": "samples_power",
    "nvmlDeviceGetSamples/1": "samples_util",
}


class RecordedNvml(FakeLibrary):
    """`pace` 0: nothing takes any time."""

    def __init__(self, gpus=8, pace=1.0):
        super().__init__(gpm=True, generation=5, gpus=gpus)
        with open(COSTS) as file:
            recorded = json.load(file)["calls"]
        self.costs = {
            name: (call["p50_us"] * pace / 1e6, call["max_us"] * pace / 1e6) for name, call in recorded.items()
        }
        self.refreshed = {}
        self.began = time.time()

    def library(self):
        plain = super().library()
        for name in dir(plain):
            if name.startswith("nvml"):
                setattr(plain, name, staticmethod(self.taking_time(name, getattr(plain, name))))
        return plain

    def taking_time(self, name, function):
        def call(*given):
            began = time.monotonic()
            result = function(*given)
            kind = CALLS.get(name) or CALLS.get(f"{name}/{given[1] if len(given) > 1 else ''}")
            if kind:
                median, longest = self.costs[kind]
                key = (kind, getattr(given[0], "value", 0))
                due = began - self.refreshed.get(key, -math.inf) > REFRESH_SECONDS
                if due:
                    self.refreshed[key] = began
                while time.monotonic() - began < (longest if due and kind in CACHED else median):
                    pass
            return result

        return call

    # What is made up: a GPU that works.

    def nvmlDeviceGetMemoryInfo_v2(self, handle, memory):
        memory._obj.total, memory._obj.reserved = 150754820096, 644939776
        memory._obj.used = 137438953472 + 4096 * int(time.time() * 10) % 1000
        return 0

    def nvmlDeviceGetCurrentClocksEventReasons(self, _, reasons):
        reasons._obj.value = 4
        return 0

    def nvmlDeviceGetTemperature(self, _, __, value):
        value._obj.value = 64
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, _, value):
        value._obj.value = int(650_000 * (time.time() - self.began)) + 3_000_000
        return 0

    def nvmlDeviceGetTotalEccErrors(self, _, __, ___, value):
        value._obj.value = 0
        return 0

    def nvmlDeviceGetSamples(self, _, kind, last, ___, count, samples):
        period = 20_000 if kind == 0 else 200_000
        held = 120 if kind == 0 else 71
        newest = int(time.time() * 1e6) // period * period
        for index in range(held):
            samples[index].timestamp_us = newest - (held - 1 - index) * period
            samples[index].value.unsigned = 650_000 + index if kind == 0 else 97
        count._obj.value = held
        return 0

    def nvmlGpmMetricsGet(self, request):
        at = time.time()
        swing = math.sin(at)
        self.metrics = {
            2: 91.37 + swing,
            5: 38.21 + swing,
            10: 67.44 + swing,
            20: 153.2 + swing,
            21: 412.9 + swing,
            60: 41234.5 + swing,
            61: 41187.3 + swing,
        }
        return super().nvmlGpmMetricsGet(request)


#: Answered from a cache of the library, which one call each 100 ms fills again.
CACHED = {"util", "power", "temp", "clk_sm", "reasons"}
