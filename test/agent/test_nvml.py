"""NVML readings against a library of our own making, and the sizes of its structs."""

import ctypes
import math
import unittest
from unittest import mock

from loadline_agent.devices import nvml, open_device
from loadline_agent.errors import AgentError


class FakeLibrary:
    """Answers the calls that NvmlDevice makes; what is not an attribute is a function that this driver lacks."""

    def __init__(self, gpm=False, generation=4):
        self.gpm = gpm
        self.generation = generation
        self.counters = [0, 0]
        self.power_samples = []
        self.metrics = {}
        self.freed = 0

    def nvmlInit_v2(self):
        return 0

    def nvmlShutdown(self):
        return 0

    def nvmlSystemGetDriverVersion(self, buffer, _):
        buffer.value = b"580.1"
        return 0

    def nvmlSystemGetCudaDriverVersion_v2(self, version):
        version._obj.value = 13020
        return 0

    def nvmlDeviceGetCount_v2(self, count):
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index, handle):
        handle._obj.value = 0x7FFF00000000 + index
        return 0

    def nvmlDeviceGetName(self, _, buffer, __):
        buffer.value = b"Fake GPU"
        return 0

    def nvmlDeviceGetUUID(self, handle, buffer, _):
        buffer.value = b"GPU-%d" % (handle.value & 0xFF)
        return 0

    def nvmlDeviceGetMemoryInfo(self, _, memory):
        memory._obj.total, memory._obj.used = 1000, 300
        return 0

    def nvmlDeviceGetUtilizationRates(self, _, rates):
        rates._obj.gpu = 87
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

    def nvmlDeviceGetFieldValues(self, _, count, fields):
        for index in range(count):
            fields[index].result = 0
            fields[index].value.unsigned = self.counters[index] & 0xFFFFFFFF
        return 0

    def nvmlDeviceGetSamples(self, _, __, last, ___, count, samples):
        for index, (at, milliwatts) in enumerate(self.power_samples):
            samples[index].timestamp_us = at
            samples[index].value.unsigned = milliwatts
        count._obj.value = len(self.power_samples)
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

    def nvmlGpmMetricsGet(self, request):
        for metric in request._obj.metrics[: request._obj.count]:
            metric.result = 0
            metric.value = self.metrics[metric.metric]
        return 0


class NvmlTest(unittest.TestCase):
    def device(self, library, indices=None):
        # Methods take no attributes (argtypes); plain functions do.
        functions = {
            name: (lambda method: lambda *given: method(*given))(getattr(library, name))
            for name in dir(library)
            if name.startswith("nvml")
        }
        with mock.patch.object(
            nvml, "load_library", lambda: type("Loaded", (), {name: staticmethod(f) for name, f in functions.items()})()
        ):
            device = nvml.NvmlDevice(indices)
        self.addCleanup(device.close)
        return device

    def read(self, device, at):
        with mock.patch.object(nvml.time, "monotonic", lambda: at):
            return dict(zip(device.columns, device.read()[0]))

    def test_struct_sizes_are_the_headers(self):
        sizes = {"MemoryV2": 40, "Memory": 24, "FieldValue": 40, "Sample": 16, "GpmMetric": 40, "GpmSupport": 8}
        self.assertEqual({name: ctypes.sizeof(getattr(nvml, name)) for name in sizes}, sizes)
        self.assertEqual(nvml.MEMORY_V2_VERSION, 0x02000028)
        self.assertEqual(nvml.GpmMetricsGet.metrics.offset, 24)
        self.assertEqual(nvml.FieldValue.value.offset, 32)

    def test_what_the_device_says_of_itself(self):
        device = self.device(FakeLibrary())
        self.assertEqual((device.driver, device.cuda), ("580.1", "13.2"))
        self.assertEqual([gpu["uuid"] for gpu in device.gpus()], ["GPU-0", "GPU-1"])
        self.assertIsNone(device.gpus()[0]["powerLimitWatts"], "a function that the driver lacks is not known, not 0")

    def test_only_the_gpus_of_the_run(self):
        self.assertEqual([gpu["index"] for gpu in self.device(FakeLibrary(), [1]).gpus()], [1])

    def test_older_functions_stand_in_for_newer_ones(self):
        row = self.read(self.device(FakeLibrary()), 100)
        self.assertEqual((row["memoryUsedBytes"], row["throttleReasons"], row["utilizationPercent"]), (300, 0x20, 87))
        self.assertEqual((row["smClockMHz"], row["temperatureCelsius"]), (None, None))

    def test_pcie_counters_that_wrap(self):
        library = FakeLibrary()
        device = self.device(library, [0])
        library.counters = [2**32 - 100, 500]
        self.assertIsNone(self.read(device, 100)["pcieTxBytesPerSecond"], "one reading is no rate")
        library.counters = [2**32 + 900, 700]
        row = self.read(device, 100.1)
        self.assertEqual((row["pcieTxBytesPerSecond"], row["pcieRxBytesPerSecond"]), (10000, 2000))

    def test_pcie_counters_that_may_have_wrapped_more_than_once_are_not_known(self):
        device = self.device(FakeLibrary(generation=5), [0])
        self.read(device, 100)
        self.assertIsNone(self.read(device, 100.1)["pcieTxBytesPerSecond"])

    def test_power_is_the_mean_since_the_last_reading(self):
        library = FakeLibrary()
        device = self.device(library, [0])
        library.power_samples = [(1_000_000, 50_000), (3_000_000, 100_000), (3_020_000, 300_000)]
        self.assertEqual(self.read(device, 100)["powerWatts"], 200, "of the driver's history only what is new")
        library.power_samples += [(3_220_000, 700_000)]
        self.assertEqual(self.read(device, 100.1)["powerWatts"], 200, "not asked again so soon")
        self.assertEqual(self.read(device, 100.3)["powerWatts"], 700)

    def test_gpm(self):
        library = FakeLibrary(gpm=True)
        device = self.device(library, [0])
        library.metrics = {2: 88.126, 5: 12.9, 10: 40.0, 20: 1.0, 21: 2.0}
        self.assertIsNone(self.read(device, 100)["smActivePercent"])
        self.assertIsNone(self.read(device, 100.1)["smActivePercent"], "both samples may be of one refresh")
        row = self.read(device, 100.2)
        self.assertEqual(
            (row["smActivePercent"], row["tensorActivePercent"], row["dramActivePercent"]), (88.13, 12.9, 40.0)
        )
        self.assertEqual((row["pcieTxBytesPerSecond"], row["pcieRxBytesPerSecond"]), (1048576, 2097152))
        library.metrics = {2: 0.0, 5: 0.0, 10: math.nan, 20: 0.0, 21: 0.0}
        self.assertIsNone(
            self.read(device, 100.3)["smActivePercent"], "NaN says that there is nothing new, not that it is idle"
        )
        device.close()
        self.assertEqual(library.freed, 3)

    def test_no_library_is_no_device_unless_it_was_asked_for(self):
        with mock.patch.object(
            nvml, "load_library", mock.Mock(side_effect=nvml.NvmlUnavailable("libnvidia-ml.so.1 was not found"))
        ):
            self.assertEqual(open_device({"kind": "auto"}).source, "none")
            with self.assertRaises(AgentError) as raised:
                open_device({"kind": "nvml"})
        self.assertEqual(raised.exception.code, "no-gpu")


if __name__ == "__main__":
    unittest.main()
