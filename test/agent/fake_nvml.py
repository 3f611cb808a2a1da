"""NVML as a library of our own making answers: no driver, no GPU. What it lacks is a function that a driver lacks."""

import ctypes
from unittest import mock

from loadline_agent.devices.nvml import library
from loadline_agent.devices.nvml.device import NvmlDevice

NOT_SUPPORTED = 3


class FakeLibrary:
    """`mig`: the memory instances of GPU 0 hold, bytes used each. `refused`: function -> code that it returns."""

    def __init__(self, gpm=False, generation=4, mig=(), gpus=2):
        self.gpm = gpm
        self.generation = generation
        self.mig = list(mig)
        self.gpu_count = gpus
        self.refused = {}
        self.calls = []
        self.counters = {}
        self.samples = {0: [], 1: []}
        self.metrics = {}
        self.energy_mj = 0
        self.pids = []
        self.freed = 0

    def library(self):
        # Methods take no attributes (argtypes); plain functions do.
        def function(name):
            method = getattr(self, name)

            def call(*given):
                self.calls.append(name)
                return self.refused[name] if name in self.refused else method(*given)

            return staticmethod(call)

        names = [name for name in dir(self) if name.startswith("nvml")]
        return type("Loaded", (), {name: function(name) for name in names})()

    def device(self, test, indices=None):
        with mock.patch.object(library, "load_library", self.library):
            device = NvmlDevice(indices)
        test.addCleanup(device.close)
        return device

    def nvmlInit_v2(self):
        return 0

    def nvmlShutdown(self):
        return 0

    def nvmlSystemGetDriverVersion(self, buffer, _):
        buffer.value = b"580.1"
        return 0

    def nvmlSystemGetNVMLVersion(self, buffer, _):
        buffer.value = b"13.580.1"
        return 0

    def nvmlSystemGetCudaDriverVersion_v2(self, version):
        version._obj.value = 13020
        return 0

    def nvmlDeviceGetCount_v2(self, count):
        count._obj.value = self.gpu_count
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index, handle):
        handle._obj.value = 0x7FFF00000000 + index
        return 0

    def nvmlDeviceGetMigMode(self, handle, current, pending):
        current._obj.value = pending._obj.value = int(bool(self.mig) and handle.value & 0xFFFF == 0)
        return 0

    def nvmlDeviceGetMaxMigDeviceCount(self, _, count):
        count._obj.value = 7
        return 0

    def nvmlDeviceGetMigDeviceHandleByIndex(self, _, position, handle):
        if position >= len(self.mig):
            return 6
        handle._obj.value = 0x7FFF00010000 + position
        return 0

    def nvmlDeviceGetGpuInstanceId(self, handle, instance):
        instance._obj.value = (handle.value & 0xFF) + 1
        return 0

    def nvmlDeviceGetComputeInstanceId(self, _, instance):
        instance._obj.value = 0
        return 0

    def nvmlDeviceGetName(self, handle, buffer, __):
        buffer.value = b"Fake GPU MIG 1g" if handle.value & 0x10000 else b"Fake GPU"
        return 0

    def nvmlDeviceGetUUID(self, handle, buffer, _):
        buffer.value = b"%s-%d" % (b"MIG" if handle.value & 0x10000 else b"GPU", handle.value & 0xFF)
        return 0

    def nvmlDeviceGetCudaComputeCapability(self, _, major, minor):
        major._obj.value, minor._obj.value = 9, 0
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle, memory):
        divided = handle.value & 0x10000
        memory._obj.total, memory._obj.used = 1000, self.mig[handle.value & 0xFF] if divided else 300
        return 0

    def nvmlDeviceGetUtilizationRates(self, _, rates):
        rates._obj.gpu = 87
        return 0

    def nvmlDeviceGetClockInfo(self, _, kind, value):
        value._obj.value = {1: 1980, 2: 3201}[kind]
        return 0

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, _, reasons):
        reasons._obj.value = 0x20
        return 0

    def nvmlDeviceGetMaxPcieLinkGeneration(self, _, value):
        value._obj.value = self.generation
        return 0

    def nvmlDeviceGetMaxPcieLinkWidth(self, _, value):
        value._obj.value = 16
        return 0

    def nvmlDeviceGetPcieThroughput(self, _, direction, value):
        value._obj.value = 1642 if direction == 0 else 759
        return 0

    def nvmlDeviceGetPowerUsage(self, _, value):
        value._obj.value = 77834
        return 0

    def nvmlDeviceGetTotalEnergyConsumption(self, _, value):
        value._obj.value = self.energy_mj
        return 0

    def nvmlDeviceGetFieldValues(self, _, count, fields):
        for index in range(count):
            value = self.counters.get(fields[index].field)
            fields[index].result = 0 if value is not None else NOT_SUPPORTED
            if value is not None and fields[index].field in (197, 198):
                fields[index].value.unsigned = value & 0xFFFFFFFF
            elif value is not None:
                fields[index].value.unsigned_long_long = value
        return 0

    def nvmlDeviceGetSamples(self, _, kind, last, ___, count, samples):
        for index, (at, value) in enumerate(self.samples[kind]):
            samples[index].timestamp_us = at
            samples[index].value.unsigned = value
        count._obj.value = len(self.samples[kind])
        return 0

    def nvmlDeviceGetComputeRunningProcesses_v3(self, _, count, found):
        if count._obj.value < len(self.pids):
            count._obj.value = len(self.pids)
            return 7
        for index, (pid, used) in enumerate(self.pids):
            found._obj[index].pid = pid
            found._obj[index].memory = used
        count._obj.value = len(self.pids)
        return 0

    def nvmlGpmQueryDeviceSupport(self, _, support):
        support._obj.supported = self.gpm
        return 0

    def nvmlGpmSampleAlloc(self, sample):
        sample._obj.value = 1
        return 0

    def nvmlGpmSampleFree(self, _):
        self.freed += 1
        return 0

    def nvmlGpmSampleGet(self, _, __):
        return 0

    def nvmlGpmMigSampleGet(self, _, __, ___):
        return 0

    def nvmlGpmMetricsGet(self, request):
        asked = request._obj
        for position in range(asked.count):
            metric = asked.metrics[position]
            metric.result = 0 if metric.metric in self.metrics else NOT_SUPPORTED
            metric.value = ctypes.c_double(self.metrics.get(metric.metric, 0)).value
        return 0
